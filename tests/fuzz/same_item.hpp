#pragma once

#include <cstring>

#include "schema/expression/column.hpp"

namespace windrow::fuzz {

/// Whether two columns of one type hold the same in a row, floats to the bit.
inline bool same_item(const schema::column& a, const schema::column& b, std::size_t row) {
  using schema::value_kind;
  if (a.is_valid(row) != b.is_valid(row)) return false;
  if (!a.is_valid(row)) return true;
  switch (a.type.kind) {
    case value_kind::boolean:
      return a.bools[row] == b.bools[row];
    case value_kind::floating:
      return std::memcmp(&a.floats[row], &b.floats[row], sizeof(double)) == 0;
    case value_kind::text:
    case value_kind::bytes:
      return a.texts[row] == b.texts[row];
    case value_kind::list:
      return a.lists[row] == b.lists[row];
    case value_kind::map:
    case value_kind::structure:
      return a.values[row] == b.values[row];
    default:
      return a.ints[row] == b.ints[row];
  }
}

}  // namespace windrow::fuzz
