#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
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
/// Values with a name each.
using named_values = std::vector<std::pair<std::string, value>>;

/// Values of one type by text. Two maps are equal if their entries are, in this order; whoever
/// makes one keeps keys unique and ascending, bytewise (`make_map`).
struct value_map {
  named_values entries;
};

/// The fields of a struct, in the order of its type.
struct value_struct {
  named_values fields;
};

/// Bytes that are no text.
struct byte_string {
  std::string data;
  friend auto operator<=>(const byte_string&, const byte_string&) = default;
};

/// One value of a declared type: null, bool, int (64 bits), float (double), str (UTF-8),
/// datetime, a list of values of one type, a map from str to values of one type, a struct, or
/// bytes.
struct value : std::variant<null, bool, std::int64_t, double, std::string, timestamp, value_list,
                            value_map, value_struct, byte_string> {
  using variant::variant;
  bool is_null() const noexcept { return index() == 0; }
};

inline bool operator==(const value_map& a, const value_map& b) { return a.entries == b.entries; }
inline bool operator==(const value_struct& a, const value_struct& b) {
  return a.fields == b.fields;
}

/// A map of these entries, of which the last with a key counts.
value_map make_map(named_values entries);

}  // namespace windrow
