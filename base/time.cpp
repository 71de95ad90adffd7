#include "windrow/time.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

namespace windrow {
namespace {

constexpr std::int64_t micros_per_day = 86'400 * micros_per_second;

struct duration_unit {
  std::string_view name;
  std::int64_t micros;
};
constexpr duration_unit units[] = {{"w", 7 * micros_per_day},        {"d", micros_per_day},
                                   {"h", 3'600 * micros_per_second}, {"m", 60 * micros_per_second},
                                   {"s", micros_per_second},         {"ms", 1'000}};

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view skip_spaces(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

failure bad_duration(std::string_view text, std::string_view rest, std::string_view why) {
  std::string message = "the duration \"" + std::string(text) + "\" cannot be read";
  if (!rest.empty() && rest.size() < text.size())
    message += " from \"" + std::string(rest) + "\" on";
  message += ": " + std::string(why) +
             "; write numbers with the units w d h m s ms, such as 90m or 1h30m, or all";
  return {errc::invalid, std::move(message)};
}

/// `width` digits at `at`, or -1.
int digits(const char* at, int width) noexcept {
  int value = 0;
  for (int i = 0; i < width; ++i) {
    if (!is_digit(at[i])) return -1;
    value = value * 10 + (at[i] - '0');
  }
  return value;
}

/// Days since the epoch of `YYYY-MM-DD` at `at`, which has ten characters.
std::optional<std::int64_t> parse_date(const char* at) noexcept {
  if (at[4] != '-' || at[7] != '-') return std::nullopt;
  const int year = digits(at, 4), month = digits(at + 5, 2), day = digits(at + 8, 2);
  if (year < 1 || month < 1 || day < 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

/// Minutes of `Z`, `+hh:mm`, `+hhmm`, `+hh` or nothing, which must be all there is.
std::optional<int> parse_offset(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text == "Z" || text == "z") return 0;
  const char sign = text.front();
  if (sign != '+' && sign != '-') return std::nullopt;
  text.remove_prefix(1);
  if (text.size() != 2 && text.size() != 4 && !(text.size() == 5 && text[2] == ':'))
    return std::nullopt;
  const int hours = digits(text.data(), 2);
  const int minutes = text.size() == 2 ? 0 : digits(text.data() + text.size() - 2, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

bool parse_epoch_millis(std::string_view text, std::int64_t& micros) noexcept {
  std::int64_t millis = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, millis);
  if (error != std::errc{} || stop != end) return false;
  if (millis < time_min / 1'000 || millis > time_max / 1'000) return false;
  micros = millis * 1'000;
  return true;
}

}  // namespace

result<std::int64_t> parse_duration(std::string_view text) {
  std::string_view rest = skip_spaces(text);
  while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
  if (rest == "all" || rest == "infinity") return duration_all;
  if (rest.empty()) return bad_duration(text, rest, "it is empty");

  std::int64_t total = 0;
  unsigned seen = 0;
  while (!rest.empty()) {
    const std::string_view part = rest;
    if (!is_digit(rest.front())) return bad_duration(text, part, "a whole number is missing");
    std::int64_t count = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc{}) return bad_duration(text, part, "the number is too large");
    rest = skip_spaces(rest.substr(static_cast<std::size_t>(stop - rest.data())));

    const auto letters = std::find_if_not(rest.begin(), rest.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    const std::string_view name = rest.substr(0, static_cast<std::size_t>(letters - rest.begin()));
    const auto* unit = std::find_if(std::begin(units), std::end(units),
                                    [&](const duration_unit& u) { return u.name == name; });
    if (unit == std::end(units)) {
      if (name.empty()) return bad_duration(text, part, "a unit is missing after the number");
      return bad_duration(text, part, "there is no unit \"" + std::string(name) + "\"");
    }
    const unsigned bit = 1u << (unit - units);
    if (seen & bit)
      return bad_duration(text, part, "the unit " + std::string(name) + " is there twice");
    seen |= bit;
    std::int64_t micros = 0;
    if (__builtin_mul_overflow(count, unit->micros, &micros) ||
        __builtin_add_overflow(total, micros, &total))
      return bad_duration(text, part, "it is too long");
    rest = skip_spaces(rest.substr(name.size()));
  }
  return total;
}

std::string format_duration(std::int64_t micros) {
  if (micros == duration_all) return "all";
  if (micros == 0) return "0s";
  std::string out;
  std::uint64_t left = static_cast<std::uint64_t>(micros);
  if (micros < 0) {
    out += '-';
    left = 0 - left;
  }
  for (const auto& unit : units) {
    if (unit.name == "w") continue;  // people think of 30d, not of 4w2d
    const std::uint64_t count = left / static_cast<std::uint64_t>(unit.micros);
    left %= static_cast<std::uint64_t>(unit.micros);
    if (unit.name == "ms" && left != 0) {
      std::string fraction = std::to_string(1'000 + left).substr(1);
      while (fraction.back() == '0') fraction.pop_back();
      return out + std::to_string(count) + "." + fraction + "ms";
    }
    if (count != 0) out += std::to_string(count) + std::string(unit.name);
  }
  return out;
}

bool parse_time_fast(std::string_view text, std::int64_t& micros) noexcept {
  const char* const at = text.data();
  // Digits alone are milliseconds, so a date is recognised by its first dash.
  if (text.size() < 10 || at[4] != '-') return parse_epoch_millis(text, micros);
  const std::optional<std::int64_t> days = parse_date(at);
  if (!days) return false;
  if (text.size() == 10) {
    micros = *days * micros_per_day;
    return true;
  }
  if (text.size() < 16 || (at[10] != 'T' && at[10] != ' ' && at[10] != 't')) return false;
  if (at[13] != ':') return false;
  const bool has_second = text.size() > 16 && at[16] == ':';
  if (has_second && text.size() < 19) return false;
  const int hour = digits(at + 11, 2), minute = digits(at + 14, 2);
  const int second = has_second ? digits(at + 17, 2) : 0;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return false;

  std::size_t next = has_second ? 19 : 16;
  std::int64_t fraction = 0;
  if (has_second && next < text.size() && text[next] == '.') {
    std::int64_t scale = 100'000;
    const std::size_t first = ++next;
    for (; next < text.size() && is_digit(text[next]); ++next, scale /= 10)
      fraction += (text[next] - '0') * scale;
    if (next == first) return false;
  }
  const std::optional<int> offset = parse_offset(text.substr(next));
  if (!offset) return false;
  const std::int64_t seconds = *days * 86'400 + (hour * 60 + minute - *offset) * 60 + second;
  // A leap second is the last of a day in UTC, and counts as the first of the next.
  if (second == 60 && seconds % 86'400 != 0) return false;
  const std::int64_t time = seconds * micros_per_second + fraction;
  if (time < time_min || time > time_max) return false;
  micros = time;
  return true;
}

result<timestamp> parse_time(std::string_view text) {
  timestamp time;
  if (parse_time_fast(text, time.micros)) return time;
  return failure{errc::invalid,
                 "\"" + std::string(text.substr(0, 100)) +
                     "\" is not a time between the years 1 "
                     "and 9999: write 2024-01-02T03:04:05Z, 2024-01-02 or milliseconds since 1970"};
}

std::string format_time(timestamp time) {
  const std::int64_t micros = std::clamp(time.micros, time_min, time_max);
  std::int64_t days = micros / micros_per_day;
  std::int64_t rest = micros % micros_per_day;
  if (rest < 0) rest += micros_per_day, --days;
  const std::chrono::year_month_day date{
      std::chrono::sys_days{std::chrono::days{static_cast<int>(days)}}};

  std::string out;
  out.reserve(27);
  const auto put = [&out](std::int64_t value, int width) {
    char buffer[8];
    for (int i = width; i-- > 0; value /= 10) buffer[i] = static_cast<char>('0' + value % 10);
    out.append(buffer, static_cast<std::size_t>(width));
  };
  put(static_cast<int>(date.year()), 4);
  out += '-';
  put(static_cast<unsigned>(date.month()), 2);
  out += '-';
  put(static_cast<unsigned>(date.day()), 2);
  out += 'T';
  const std::int64_t seconds = rest / micros_per_second;
  put(seconds / 3'600, 2);
  out += ':';
  put(seconds / 60 % 60, 2);
  out += ':';
  put(seconds % 60, 2);
  if (const std::int64_t fraction = rest % micros_per_second; fraction != 0) {
    out += '.';
    if (fraction % 1'000 == 0)
      put(fraction / 1'000, 3);
    else
      put(fraction, 6);
  }
  out += 'Z';
  return out;
}

}  // namespace windrow
