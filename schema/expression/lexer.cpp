#include "schema/expression/lexer.hpp"

#include <optional>

namespace windrow::schema {
namespace {

// Longest first. Those of other languages are here so that the parser can say what to write.
constexpr std::string_view signs[] = {"===", "!==", "==", "!=", "<=", ">=", "<>", "&&", "||", "//",
                                      "**",  "+",   "-",  "*",  "/",  "%",  "<",  ">",  "&",  "|",
                                      "~",   "(",   ")",  "[",  "]",  ",",  ".",  "=",  "!"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || is_digit(c); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Bytes of the UTF-8 character `text` begins with, or 0 if it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  // Overlong forms, surrogates and what lies beyond Unicode.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class lexer {
public:
  lexer(std::string_view text, source_position origin) : text_(text), at_(origin) {}

  std::vector<token> run() {
    do {
      while (next_ < text_.size() && is_space(text_[next_])) advance(1);
      read();
    } while (tokens_.back().kind != token_kind::end && tokens_.back().kind != token_kind::invalid);
    return std::move(tokens_);
  }

private:
  char peek(std::size_t ahead = 0) const {
    return next_ + ahead < text_.size() ? text_[next_ + ahead] : '\0';
  }

  /// Columns count characters, not bytes.
  void advance(std::size_t bytes) {
    for (; bytes > 0; --bytes, ++next_) {
      if (text_[next_] == '\n')
        ++at_.line, at_.column = 1;
      else if ((static_cast<unsigned char>(text_[next_]) & 0xc0) != 0x80)
        ++at_.column;
    }
  }

  void push(token_kind kind, std::size_t bytes, std::string value = {}) {
    tokens_.push_back({kind, text_.substr(next_, bytes), at_, std::move(value)});
    advance(bytes);
  }
  void fail(std::string message) { push(token_kind::invalid, 0, std::move(message)); }

  void read() {
    if (next_ == text_.size()) return push(token_kind::end, 0);
    const char c = peek();
    if (is_digit(c)) return read_number();
    if (c == '"' || c == '\'') return read_text();
    if (is_name_start(c)) {
      std::size_t length = 1;
      while (is_name(peek(length))) ++length;
      return push(token_kind::name, length);
    }
    for (const std::string_view sign : signs)
      if (text_.substr(next_).starts_with(sign)) return push(token_kind::sign, sign.size());
    const std::size_t length = utf8_length(text_.substr(next_));
    if (length == 0) return fail("the expression is not valid UTF-8");
    if (length == 1 && (c < ' ' || c == '\x7f'))
      return fail("there is a control character in the expression");
    fail("`" + std::string(text_.substr(next_, length)) + "` has no meaning in an expression");
  }

  void read_number() {
    token_kind kind = token_kind::integer;
    std::size_t length = 0;
    while (is_digit(peek(length))) ++length;
    if (peek(length) == '.') {
      if (!is_digit(peek(length + 1)))
        return fail("digits are missing after the point: write `" +
                    std::string(text_.substr(next_, length)) + ".0`");
      kind = token_kind::floating;
      ++length;
      while (is_digit(peek(length))) ++length;
    }
    if (peek(length) == 'e' || peek(length) == 'E') {
      std::size_t exponent = length + 1;
      if (peek(exponent) == '+' || peek(exponent) == '-') ++exponent;
      if (is_digit(peek(exponent))) {
        kind = token_kind::floating;
        length = exponent;
        while (is_digit(peek(length))) ++length;
      }
    }
    if (is_name(peek(length))) {
      while (is_name(peek(length))) ++length;
      return fail("`" + std::string(text_.substr(next_, length)) +
                  "` is neither a number nor a name; a string needs quotes");
    }
    push(kind, length);
  }

  void read_text() {
    const char delimiter = peek();
    std::string value;
    std::size_t length = 1;
    while (true) {
      if (next_ + length >= text_.size()) return fail("this string is never closed");
      const char c = peek(length);
      if (c == delimiter) break;
      if (c == '\\') {
        const std::size_t used = read_escape(length, value);
        if (used == 0) return fail(escape_error_);
        length += used;
        continue;
      }
      const std::size_t bytes = utf8_length(text_.substr(next_ + length));
      if (bytes == 0) return fail("this string is not valid UTF-8");
      value += text_.substr(next_ + length, bytes);
      length += bytes;
    }
    push(token_kind::text, length + 1, std::move(value));
  }

  /// Reads the escape at `from` into `value`; the bytes used, or 0 if it is not an escape.
  std::size_t read_escape(std::size_t from, std::string& value) {
    switch (const char c = peek(from + 1)) {
      case '"':
      case '\'':
      case '\\':
      case '/':
        value += c;
        return 2;
      case 'b':
        value += '\b';
        return 2;
      case 'f':
        value += '\f';
        return 2;
      case 'n':
        value += '\n';
        return 2;
      case 'r':
        value += '\r';
        return 2;
      case 't':
        value += '\t';
        return 2;
      case 'u':
        break;
      default:
        escape_error_ =
            "there is an unknown escape in this string; known are "
            "\\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t and \\u with four hex digits";
        return 0;
    }
    std::optional<std::uint32_t> code = hex4(from + 2);
    std::size_t used = 6;
    if (code && *code >= 0xd800 && *code < 0xdc00 && peek(from + 6) == '\\' &&
        peek(from + 7) == 'u') {
      const std::optional<std::uint32_t> low = hex4(from + 8);
      if (low && *low >= 0xdc00 && *low < 0xe000) {
        code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
        used = 12;
      }
    }
    if (!code || (*code >= 0xd800 && *code < 0xe000)) {
      escape_error_ = "a \\u escape in this string is not a character; write four hex digits";
      return 0;
    }
    append_utf8(value, *code);
    return used;
  }

  std::optional<std::uint32_t> hex4(std::size_t from) const {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const char c = peek(from + i);
      int digit = 0;
      if (is_digit(c))
        digit = c - '0';
      else if (c >= 'a' && c <= 'f')
        digit = c - 'a' + 10;
      else if (c >= 'A' && c <= 'F')
        digit = c - 'A' + 10;
      else
        return std::nullopt;
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    return code;
  }

  std::string_view text_;
  source_position at_;
  std::size_t next_ = 0;
  std::string escape_error_;
  std::vector<token> tokens_;
};

}  // namespace

std::vector<token> tokenize(std::string_view text, source_position origin) {
  return lexer(text, origin).run();
}

std::string quote(std::string_view text) {
  constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[c & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace windrow::schema
