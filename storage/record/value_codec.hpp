#pragma once

#include <string>

#include "base/varint.hpp"
#include "windrow/value.hpp"

namespace windrow::storage {

/// Appends a value: u8 kind (0 null, 1 false, 2 true, 3 int, 4 float, 5 str, 6 datetime, 7 list),
/// then int and datetime zigzag, float 8 bytes, str varint length and bytes, list varint count
/// and its values.
void put_value(std::string& out, const value& v);

/// Reads a value; fails the reader on bad bytes. Lists nest at most 16 deep.
value read_value(varint_reader& in, int depth = 0);

}  // namespace windrow::storage
