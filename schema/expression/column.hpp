#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "windrow/value.hpp"

namespace windrow::schema {

/// The numbers are stored in catalogs: new kinds go to the end.
enum class value_kind : std::uint8_t {
  boolean,
  integer,
  floating,
  text,
  datetime,
  list,
  map,
  structure,
  bytes
};

/// Whether values of a kind are single ones, that can be compared, counted and looked up: not
/// those that hold others, nor bytes.
constexpr bool is_plain(value_kind kind) noexcept { return kind < value_kind::list; }

struct struct_field;

/// The type of a field, a message key or an expression.
struct value_type {
  value_kind kind = value_kind::text;
  bool nullable = false;
  /// The type of a list's items or of a map's values; set for those only. Shared because types are
  /// copied freely.
  std::shared_ptr<const value_type> element = nullptr;
  /// The fields of a struct, at least one; set for structs only.
  std::shared_ptr<const std::vector<struct_field>> fields = nullptr;
};

/// One field of a struct.
struct struct_field {
  std::string name;
  value_type type;
  friend bool operator==(const struct_field&, const struct_field&) = default;
};

inline bool operator==(const value_type& a, const value_type& b) {
  if (a.kind != b.kind || a.nullable != b.nullable) return false;
  if (a.kind == value_kind::structure) return a.fields && b.fields && *a.fields == *b.fields;
  if (a.kind != value_kind::list && a.kind != value_kind::map) return true;
  return a.element && b.element && *a.element == *b.element;
}

/// A type without parts.
inline value_type plain(value_kind kind, bool nullable = false) { return {kind, nullable}; }

inline bool is_number(value_kind kind) {
  return kind == value_kind::integer || kind == value_kind::floating;
}

/// As written in declarations: `str`, `int | null`, `list[float]`, `map[str, int]`,
/// `struct{street: str, zip: int | null}`, `bytes`.
std::string to_string(const value_type& type);

/// The values of one attribute for a run of rows: what resolver programs read and write.
///
/// Exactly one of the vectors is in use, chosen by `type.kind`, and holds one item a row; where a
/// row is null its item is unspecified. Text is *borrowed*: the views point into the chunk the
/// rows were decoded from (or a program's own constants) and die with it.
struct column {
  value_type type;
  std::vector<std::int64_t> ints;       ///< integer; datetime as microseconds
  std::vector<double> floats;           ///< floating
  std::vector<std::uint8_t> bools;      ///< boolean, 0 or 1
  std::vector<std::string_view> texts;  ///< text, bytes
  std::vector<value_list> lists;        ///< list
  std::vector<windrow::value> values;   ///< map, structure
  /// 0 or 1 a row; empty means that no row is null.
  std::vector<std::uint8_t> valid;

  bool is_valid(std::size_t row) const noexcept { return valid.empty() || valid[row] != 0; }
  std::size_t size() const noexcept {
    switch (type.kind) {
      case value_kind::boolean:
        return bools.size();
      case value_kind::integer:
      case value_kind::datetime:
        return ints.size();
      case value_kind::floating:
        return floats.size();
      case value_kind::text:
      case value_kind::bytes:
        return texts.size();
      case value_kind::list:
        return lists.size();
      case value_kind::map:
      case value_kind::structure:
        return values.size();
    }
    return 0;
  }
  /// Forgets the rows and keeps the type and the memory.
  void clear() noexcept {
    ints.clear(), floats.clear(), bools.clear(), texts.clear(), lists.clear(), values.clear();
    valid.clear();
  }
};

}  // namespace windrow::schema
