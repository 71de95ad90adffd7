#include "tools/human.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>
#include <string_view>

#include "base/base64.hpp"
#include "tools/text.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

std::string fixed(double value, int decimals) {
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::fixed, decimals);
  return {buffer.data(), end.ptr};
}

/// Three significant digits with the first unit that keeps the number below 1,000 (or `step`).
std::string scaled(double value, double step, std::span<const std::string_view> units) {
  std::size_t unit = 0;
  // 999.5 would be rounded to four digits.
  while (value >= std::min(step, 999.5) && unit + 1 < units.size()) value /= step, ++unit;
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  std::string text = fixed(value, decimals);
  if (!units[unit].empty()) text.append(" ").append(units[unit]);
  return text;
}

std::string two_parts(std::int64_t whole, const char* unit, std::int64_t part, const char* small) {
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%lld%s%02lld%s", static_cast<long long>(whole), unit,
                static_cast<long long>(part), small);
  return buffer.data();
}

std::string float_cell(double value) {
  const double magnitude = std::fabs(value);
  if (value != 0 && (magnitude < 0.001 || magnitude >= 1e15)) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   std::chars_format::general, 6);
    return {buffer.data(), end.ptr};
  }
  std::string text = fixed(value, 4);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

struct cell_writer {
  std::string operator()(null) const { return "–"; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return float_cell(value); }
  std::string operator()(const std::string& value) const { return printable(value); }
  std::string operator()(timestamp value) const { return format_time(value); }
  std::string operator()(const value_list& list) const {
    std::string text = "[";
    for (const auto& item : list) {
      if (text.size() > 1) text += ", ";
      text += cell_text(item);
    }
    return text + "]";
  }
  std::string operator()(const value_map& map) const { return named(map.entries); }
  std::string operator()(const value_struct& fields) const { return named(fields.fields); }
  std::string operator()(const byte_string& bytes) const { return base64(bytes.data); }
  static std::string named(const named_values& values) {
    std::string text = "{";
    for (const auto& [name, value] : values) {
      if (text.size() > 1) text += ", ";
      text += printable(name) + ": " + cell_text(value);
    }
    return text + "}";
  }
};

}  // namespace

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string short_count(double count) {
  static constexpr std::array<std::string_view, 5> units{"", "K", "M", "B", "T"};
  return scaled(count, 1000, units);
}

std::string bytes_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  return scaled(static_cast<double>(bytes), 1024, units);
}

std::string elapsed_text(std::int64_t micros) {
  static constexpr std::array<std::string_view, 3> units{"µs", "ms", "s"};
  if (micros < 0) return "-" + elapsed_text(micros == INT64_MIN ? INT64_MAX : -micros);
  if (micros < 59'950'000) return scaled(static_cast<double>(micros), 1000, units);
  const std::int64_t seconds = (micros + 500'000) / 1'000'000;
  if (seconds < 3600) return two_parts(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return two_parts(seconds / 3600, "h", seconds / 60 % 60, "m");
  return two_parts(seconds / 86'400, "d", seconds / 3600 % 24, "h");
}

std::string cell_text(const windrow::value& value) {
  return std::visit(cell_writer{}, static_cast<const windrow::value::variant&>(value));
}

}  // namespace windrow::tools
