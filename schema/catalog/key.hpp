#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/expression/column.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// Key bytes: what an entity or a group is called inside a key space.
///
/// A part is a str (its bytes; with a 32-bit little-endian length in front when the key has more
/// than one part), an int or a datetime (8 bytes big-endian with the sign bit flipped, so that
/// byte order is number order) or a bool (one byte, 0 or 1). A float, a list and null are never
/// part of a key. Equal values have equal bytes and no two keys of a key space share bytes.
namespace windrow::schema {

/// The key of `values`, one a part. `invalid` where their number or types do not fit or one is
/// null.
result<std::string> encode_key(std::span<const value_type> parts,
                               std::span<const windrow::value> values);

/// The values of a key; `corrupt` where `bytes` is not a key of these parts.
result<std::vector<windrow::value>> decode_key(std::span<const value_type> parts,
                                               std::string_view bytes);

/// A key as people write it: `u1`, or `u1|NL` with `\|` and `\\` inside its parts. Times as in
/// `format_time`. Bytes that are no key give their hex digits in angle brackets.
std::string format_key(std::span<const value_type> parts, std::string_view bytes);

/// The values of a key that a person wrote, the inverse of `format_key`: a key of one part is the
/// text itself, without escapes. `invalid` with what to write where it does not fit.
result<std::vector<windrow::value>> parse_key(std::span<const value_type> parts,
                                              std::string_view text);

namespace detail {
bool append_key_parts(std::string& out, std::span<const column* const> parts, std::size_t row);
}  // namespace detail

/// Appends the key of row `row`, made of one column a part, to `out`. False, with `out` unchanged,
/// where a part is null. Requires at least one column, each of a type that a key may have.
inline bool append_key(std::string& out, std::span<const column* const> parts, std::size_t row) {
  if (parts.size() == 1 && parts[0]->type.kind == value_kind::text) {
    if (!parts[0]->is_valid(row)) return false;
    out.append(parts[0]->texts[row]);
    return true;
  }
  return detail::append_key_parts(out, parts, row);
}

/// The same without copying where the key is one str: points `key` into the column's text, else
/// into `space`, whose contents are replaced.
inline bool view_key(std::string_view& key, std::string& space,
                     std::span<const column* const> parts, std::size_t row) {
  if (parts.size() == 1 && parts[0]->type.kind == value_kind::text) {
    if (!parts[0]->is_valid(row)) return false;
    key = parts[0]->texts[row];
    return true;
  }
  space.clear();
  if (!detail::append_key_parts(space, parts, row)) return false;
  key = space;
  return true;
}

}  // namespace windrow::schema
