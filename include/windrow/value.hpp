#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace windrow {

/// A point in time: microseconds since the Unix epoch, UTC.
struct timestamp {
  std::int64_t micros = 0;
  friend auto operator<=>(const timestamp&, const timestamp&) = default;
};

struct value;
using null = std::monostate;
using value_list = std::vector<value>;

/// One value of a declared type: null, bool, int (64 bits), float (double), str (UTF-8),
/// datetime, or a list of values of one type.
struct value : std::variant<null, bool, std::int64_t, double, std::string, timestamp, value_list> {
  using variant::variant;
  bool is_null() const noexcept { return index() == 0; }
};

}  // namespace windrow
