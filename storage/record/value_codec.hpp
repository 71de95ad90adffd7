#pragma once

#include <string>

#include "base/varint.hpp"
#include "windrow/value.hpp"

namespace windrow::storage {

/// Appends a value: u8 kind (0 null, 1 false, 2 true, 3 int, 4 float, 5 str, 6 datetime, 7 list,
/// 8 map, 9 struct, 10 bytes), then int and datetime zigzag, float 8 bytes, str and bytes varint
/// length and bytes, list varint count and its values, map and struct varint count and of each
/// entry or field its name (varint length, bytes) and value.
void put_value(std::string& out, const value& v);

/// Reads a value; fails the reader on bad bytes. Values nest at most 16 deep.
value read_value(varint_reader& in, int depth = 0);

}  // namespace windrow::storage
