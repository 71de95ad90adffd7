#include <simdjson.h>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "formats/json_internal.hpp"

namespace windrow::formats::json {

namespace {

using schema::value_kind;

constexpr std::size_t nodes_max = 256;

/// The first byte at or after `at` that is a quote, a backslash, a control character or not
/// ASCII. Looks at no block that begins at or after `end`, and may return beyond it.
inline const char* find_special(const char* at, const char* end) noexcept {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(' ');
  for (; at < end; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Signed: bytes of 0x80 and above are less than a space too.
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmplt_epi8(bytes, space));
    const int mask = _mm_movemask_epi8(special);
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
  return at;
#else
  for (; at < end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) break;
  }
  return at;
#endif
}

/// Continues a string in which a byte beyond ASCII was found; null if this path gives up.
const char* end_of_wide_string(const char* begin, const char* at, const char* end) noexcept {
  while (at < end && static_cast<unsigned char>(*at) >= 0x80) {
    while (at < end && static_cast<unsigned char>(*at) >= 0x80) ++at;
    at = find_special(at, end);
  }
  if (at >= end || *at != '"') return nullptr;
  return simdjson::validate_utf8(begin, static_cast<std::size_t>(at - begin)) ? at : nullptr;
}

/// The closing quote of the string whose text begins at `begin`, or null if there is none or
/// the text has escapes or anything else that is for the general path.
inline const char* end_of_string(const char* begin, const char* end) noexcept {
  const char* at = find_special(begin, end);
  if (at < end && *at == '"') [[likely]]
    return at;
  return end_of_wide_string(begin, at, end);
}

inline bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }

/// How many of the eight characters in `bytes` are digits, from the first.
inline unsigned leading_digits(std::uint64_t bytes) noexcept {
  // Per byte: the high bit is set unless the character is within '0'..'9'. Bytes above 0x7f
  // may carry into the byte above them only, which does not count any more.
  const std::uint64_t low = bytes ^ 0x3030303030303030u;
  const std::uint64_t bad = (low | (low + 0x7676767676767676u)) & 0x8080808080808080u;
  return bad == 0 ? 8 : static_cast<unsigned>(__builtin_ctzll(bad)) / 8;
}

/// The value of eight digits, the first in the lowest byte.
inline std::uint64_t eight_digits(std::uint64_t bytes) noexcept {
  bytes = (bytes & 0x0F0F0F0F0F0F0F0Fu) * 2561 >> 8;
  bytes = (bytes & 0x00FF00FF00FF00FFu) * 6553601 >> 16;
  return (bytes & 0x0000FFFF0000FFFFu) * 42949672960001u >> 32;
}

constexpr std::uint64_t power_of_ten[] = {1,       10,        100,        1'000,      10'000,
                                          100'000, 1'000'000, 10'000'000, 100'000'000};

/// Reads the digits at `at` onto `value`; returns how many. Reads at most 24; values that wrap
/// around are for the caller to refuse by the count.
inline unsigned read_digits(const char*& at, std::uint64_t& value) noexcept {
  unsigned total = 0;
  while (total < 24) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    const unsigned count = leading_digits(bytes);
    if (count == 0) break;
    // The digits move to the high end, with zeros before them.
    value = value * power_of_ten[count] + eight_digits(bytes << (64 - 8 * count));
    at += count;
    total += count;
    if (count < 8) break;
  }
  return total;
}

/// An integer of at most 18 digits.
inline bool read_int(const char*& at, std::int64_t& value) noexcept {
  const char* p = at;
  const bool negative = *p == '-';
  p += negative;
  const bool zero = *p == '0';
  std::uint64_t digits = 0;
  const unsigned count = read_digits(p, digits);
  if (count == 0 || count > 18 || (zero && count > 1)) return false;
  value = negative ? -static_cast<std::int64_t>(digits) : static_cast<std::int64_t>(digits);
  at = p;
  return true;
}

/// A number whose digits are below 2^53 and whose scale is a power of ten that a double holds
/// exactly: one division then rounds correctly.
inline bool read_float(const char*& at, double& value) noexcept {
  static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                      1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
  const char* p = at;
  const bool negative = *p == '-';
  p += negative;
  const bool zero = *p == '0';
  std::uint64_t digits = 0;
  const unsigned whole = read_digits(p, digits);
  if (whole == 0 || (zero && whole > 1)) return false;
  unsigned fraction = 0;
  if (*p == '.') {
    ++p;
    fraction = read_digits(p, digits);
    if (fraction == 0) return false;
  }
  if (whole + fraction > 18 || digits > (std::uint64_t{1} << 53)) return false;
  const double magnitude = static_cast<double>(digits) / powers[fraction];
  value = negative ? -magnitude : magnitude;
  at = p;
  return true;
}

/// The end of any number, or null.
inline const char* end_of_number(const char* at, const char* end) noexcept {
  const char* p = at + (*at == '-');
  const char* const first = p;
  while (p < end && is_digit(*p)) ++p;
  if (p == first || (*first == '0' && p - first > 1)) return nullptr;
  if (p < end && *p == '.') {
    const char* const fraction = ++p;
    while (p < end && is_digit(*p)) ++p;
    if (p == fraction) return nullptr;
  }
  return p;  // an exponent then does not match what must follow a value
}

inline bool is_word(const char* at, const char* word, std::size_t size) noexcept {
  return std::memcmp(at, word, size) == 0;
}

/// The end of a value that only has to be valid, or null if this path gives up.
inline const char* end_of_ignored(const char* at, const char* end) noexcept {
  switch (*at) {
    case '"': {
      const char* close = end_of_string(at + 1, end);
      return close == nullptr ? nullptr : close + 1;
    }
    case 't':
      return is_word(at, "true", 4) ? at + 4 : nullptr;
    case 'f':
      return is_word(at, "false", 5) ? at + 5 : nullptr;
    case 'n':
      return is_word(at, "null", 4) ? at + 4 : nullptr;
    default:
      return end_of_number(at, end);
  }
}

inline const char* skip_space(const char* at, const char* end) noexcept {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) ++at;
  return at;
}

}  // namespace

fast_path::fast_path(const std::vector<field_slot>& slots)
    : slots_(slots), usable_(slots.size() <= 64) {
  if (!usable_) return;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    all_ |= bit;
    if (!slots[i].type.nullable) required_ |= bit;
  }
}

bool fast_path::matches(const node& n, const char* at) noexcept {
#ifdef __SSE2__
  const char* text = n.text;
  std::uint32_t left = n.size;
  while (left > 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i b = _mm_load_si128(reinterpret_cast<const __m128i*>(text));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) != 0xFFFF) return false;
    at += 16, text += 16, left -= 16;
  }
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i b = _mm_load_si128(reinterpret_cast<const __m128i*>(text));
  const auto equal = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
  return (equal & n.tail_mask) == n.tail_mask;
#else
  return std::memcmp(n.text, at, n.size) == 0;
#endif
}

/// Reads what stands between two values without a guess, and remembers it as the guess that
/// follows `previous`. Null if it is nothing this path knows.
fast_path::node* fast_path::learn(node& previous, const char* at, const char* end) {
  const char* p = skip_space(at, end);
  if (p >= end) return nullptr;
  const bool first = &previous == &start_;
  if (!first && *p == '}') {
    ++p;
    return previous.next = find_or_add(at, static_cast<std::size_t>(p - at), {}, true);
  }
  if (*p != (first ? '{' : ',')) return nullptr;
  p = skip_space(p + 1, end);
  if (p >= end || *p != '"') return nullptr;
  const char* const key = p + 1;
  const char* const close = find_special(key, end);
  if (close >= end || *close != '"') return nullptr;
  p = skip_space(close + 1, end);
  if (p >= end || *p != ':') return nullptr;
  p = skip_space(p + 1, end);
  return previous.next = find_or_add(at, static_cast<std::size_t>(p - at),
                                     {key, static_cast<std::size_t>(close - key)}, false);
}

fast_path::node* fast_path::find_or_add(const char* literal, std::size_t size, std::string_view key,
                                        bool is_end) {
  if (size > sizeof(node::text)) return nullptr;
  for (const auto& n : nodes_) {
    if (n->size == size && std::memcmp(n->text, literal, size) == 0) return n.get();
  }
  if (nodes_.size() == nodes_max) return nullptr;
  auto added = std::make_unique<node>();
  std::memcpy(added->text, literal, size);
  added->size = static_cast<std::uint32_t>(size);
  const std::size_t tail = (size - 1) % 16 + 1;
  added->tail_mask = (std::uint32_t{1} << tail) - 1;
  added->what = is_end ? action::end : action::ignore;
  for (std::size_t i = 0; !is_end && i < slots_.size(); ++i) {
    if (slots_[i].name != key) continue;
    added->field = static_cast<std::uint32_t>(i);
    added->bit = std::uint64_t{1} << i;
    added->needed = slots_[i].needed;
    added->nullable = slots_[i].type.nullable;
    switch (slots_[i].type.kind) {
      case value_kind::text:
        added->what = action::text;
        break;
      case value_kind::integer:
        added->what = action::integer;
        break;
      case value_kind::floating:
        added->what = action::floating;
        break;
      case value_kind::datetime:
        added->what = action::datetime;
        break;
      case value_kind::boolean:
        added->what = action::boolean;
        break;
      case value_kind::list:
      case value_kind::map:
      case value_kind::structure:
      case value_kind::bytes:
        added->what = action::none;
        break;
    }
  }
  nodes_.push_back(std::move(added));
  return nodes_.back().get();
}

bool fast_path::decode(std::string_view message, row_writer& out) {
  if (!usable_) return false;
  const char* p = message.data();
  const char* const end = p + message.size();
  std::uint64_t seen = 0;
  std::uint64_t twice = 0;
  node* at = &start_;
  // Every step moves p forward and p never comes back, so a value that reaches beyond `end` fails
  // in the end. No read goes as far as `buffer_padding` beyond it.
  while (p < end) {
    node* n = at->next;
    if (n == nullptr || !matches(*n, p)) [[unlikely]] {
      n = learn(*at, p, end);
      if (n == nullptr) return false;
    }
    p += n->size;
    if (p > end) [[unlikely]]
      return false;
    at = n;
    twice |= seen & n->bit;
    seen |= n->bit;
    if (n->nullable && *p == 'n' && is_word(p, "null", 4)) {
      p += 4;
      if (n->needed) out.put_null(n->field);
      continue;
    }
    switch (n->what) {
      case action::text: {
        if (*p != '"') return false;
        const char* const close = end_of_string(p + 1, end);
        if (close == nullptr) return false;
        if (n->needed) out.put_text(n->field, {p + 1, static_cast<std::size_t>(close - p - 1)});
        p = close + 1;
        break;
      }
      case action::floating: {
        double value;
        if (!read_float(p, value)) return false;
        if (n->needed) out.put_float(n->field, value);
        break;
      }
      case action::integer: {
        std::int64_t value;
        if (!read_int(p, value)) return false;
        if (n->needed) out.put_int(n->field, value);
        break;
      }
      case action::datetime: {
        std::int64_t micros;
        if (*p == '"') {
          const char* const close = end_of_string(p + 1, end);
          if (close == nullptr) return false;
          if (!to_time({p + 1, static_cast<std::size_t>(close - p - 1)}, micros)) return false;
          p = close + 1;
        } else {
          std::int64_t millis;
          if (!read_int(p, millis)) return false;
          if (to_micros(millis, micros) != number_fit::fits) return false;
        }
        if (n->needed) out.put_int(n->field, micros);
        break;
      }
      case action::boolean: {
        const bool value = *p == 't';
        if (!(value ? is_word(p, "true", 4) : is_word(p, "false", 5))) return false;
        p += value ? 4 : 5;
        if (n->needed) out.put_bool(n->field, value);
        break;
      }
      case action::ignore: {
        p = end_of_ignored(p, end);
        if (p == nullptr) return false;
        break;
      }
      case action::end: {
        if (skip_space(p, end) != end || twice != 0) return false;
        std::uint64_t missing = all_ & ~seen;
        if ((missing & required_) != 0) return false;
        for (; missing != 0; missing &= missing - 1) {
          const auto field = static_cast<std::size_t>(__builtin_ctzll(missing));
          if (slots_[field].needed) out.put_null(field);
        }
        return true;
      }
      case action::none:
        return false;
    }
  }
  return false;
}

}  // namespace windrow::formats::json
