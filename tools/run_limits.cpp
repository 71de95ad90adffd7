#include "tools/run_limits.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/suggest.hpp"
#include "tools/arguments.hpp"
#include "tools/text.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

using server::limit;
using unit = limit::unit;
constexpr std::int64_t microseconds = 1'000;  // a millisecond

/// As it is written: `16M`, `5s`, `1024`.
std::string text_of(const limit& what, std::uint64_t value) {
  if (what.in == unit::milliseconds) {
    return format_duration(static_cast<std::int64_t>(value) * microseconds);
  }
  std::string_view units = "KMG";
  if (what.in == unit::count || value == 0 || value % 1'024 != 0) return std::to_string(value);
  while (units.size() > 1 && value / 1'024 % 1'024 == 0) value /= 1'024, units.remove_prefix(1);
  return std::to_string(value / 1'024) + units.front();
}

result<std::uint64_t> value_of(const limit& what, const std::string& flag,
                               const std::string& text) {
  switch (what.in) {
    case unit::bytes:
    case unit::bytes_per_second:
      return parse_bytes(flag, text);
    case unit::milliseconds: {
      const auto micros = parse_duration(text);
      if (micros && *micros % microseconds == 0) {
        return static_cast<std::uint64_t>(*micros / microseconds);
      }
      return failure{errc::invalid,
                     flag + " is `" + text + "`; write a duration such as 5s or 250ms"};
    }
    case unit::count:
      break;
  }
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size()) return number;
  return failure{errc::invalid, flag + " is `" + text + "`; write a whole number"};
}

result<void> set_limit(server::limits& in_these, const std::string& assignment) {
  auto pair = parse_assignment("--limit", assignment, "--limit body-bytes=64M");
  if (!pair) return pair.error();
  const auto& [name, text] = *pair;
  const auto all = server::every_limit();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&name = name](const limit& l) { return l.name == name; });
  if (found == all.end()) {
    return failure{errc::invalid, no_such("limit", name, names_of(all))};
  }
  const std::string flag = "--limit " + name;
  const auto value = value_of(*found, flag, text);
  if (!value) return value.error();
  if (*value < found->least || *value > found->most) {
    return failure{errc::invalid, flag + " is `" + text + "`; it is from " +
                                      text_of(*found, found->least) + " to " +
                                      text_of(*found, found->most)};
  }
  found->set(in_these, *value);
  return {};
}

}  // namespace

result<server::limits> parse_limits(std::span<const std::string> assignments) {
  server::limits out;
  for (const std::string& one : assignments) {
    if (auto set = set_limit(out, one); !set) return set.error();
  }
  if (auto together = server::check_limits(out); !together) return together.error();
  return out;
}

std::string limits_help() {
  const server::limits defaults;
  std::string out;
  for (const limit& l : server::every_limit()) {
    out += "  " + pad(std::string(l.name) + "=" + text_of(l, l.get(defaults)), 29) + " " +
           std::string(l.about) + "\n";
  }
  return out;
}

}  // namespace windrow::tools
