#include "tools/arguments.hpp"

#include <charconv>
#include <cmath>

#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

failure wrong(std::string_view flag, std::string_view text, std::string_view advice) {
  return {errc::invalid,
          std::string(flag) + " is `" + std::string(text) + "`; " + std::string(advice)};
}

/// 1,024 to the power of the unit's place, or 0 if it is no unit.
double factor_of(std::string_view unit) {
  if (unit.empty()) return 1;
  std::string lower;
  for (const char c : unit) lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
  if (lower == "b") return 1;
  const std::size_t power = std::string_view("kmgt").find(lower.front());
  const std::string_view rest = std::string_view(lower).substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return 0;
  return std::pow(1024.0, static_cast<double>(power + 1));
}

}  // namespace

result<std::size_t> parse_bytes(std::string_view flag, std::string_view text) {
  constexpr std::string_view advice = "write a number of bytes such as 536870912, 512M or 2G";
  double number = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (read.ec != std::errc()) return wrong(flag, text, advice);
  std::string_view unit = text.substr(static_cast<std::size_t>(read.ptr - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const double bytes = number * factor_of(unit);
  if (!(bytes >= 1) || bytes > 9e15) return wrong(flag, text, advice);
  return static_cast<std::size_t>(bytes);
}

result<std::pair<std::string, std::string>> parse_assignment(std::string_view flag,
                                                             std::string_view text,
                                                             std::string_view example) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) {
    return wrong(flag, text, "write it as in " + std::string(example));
  }
  return std::pair(std::string(text.substr(0, at)), std::string(text.substr(at + 1)));
}

result<entity_reference> parse_entity(std::string_view text) {
  const std::size_t at = text.find('=');
  if (at == std::string_view::npos || at == 0) {
    return wrong("--entity", text, "write a class and a key, as in --entity User=u1");
  }
  return entity_reference{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

result<timestamp> parse_now(std::string_view text) {
  auto time = parse_time(text);
  if (time.ok()) return time;
  return wrong("--now", text,
               "write a time such as 2026-03-01T12:30:00Z, a date, or milliseconds since 1970");
}

result<std::int64_t> parse_interval(std::string_view flag, std::string_view text) {
  auto micros = parse_duration(text);
  if (!micros.ok()) return wrong(flag, text, micros.error().message);
  if (micros.value() <= 0) return wrong(flag, text, "write a duration above zero, such as 10s");
  return micros;
}

std::string shell_quote(std::string_view text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char c : text) c == '\'' ? void(quoted += "'\\''") : quoted.push_back(c);
  return quoted + "'";
}

}  // namespace windrow::tools
