#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "windrow/value.hpp"

namespace windrow::schema {

enum class value_kind : std::uint8_t { boolean, integer, floating, text, datetime, list };

/// The type of a field, a message key or an expression.
struct value_type {
  value_kind kind = value_kind::text;
  bool nullable = false;
  /// The element type; set for lists only. Shared because types are copied freely.
  std::shared_ptr<const value_type> element;

  friend bool operator==(const value_type& a, const value_type& b) {
    if (a.kind != b.kind || a.nullable != b.nullable) return false;
    if (a.kind != value_kind::list) return true;
    return a.element && b.element && *a.element == *b.element;
  }
};

/// A type that is no list.
inline value_type plain(value_kind kind, bool nullable = false) {
  return {kind, nullable, nullptr};
}

inline bool is_number(value_kind kind) {
  return kind == value_kind::integer || kind == value_kind::floating;
}

/// As written in declarations: `str`, `int | null`, `list[float]`.
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
  std::vector<std::string_view> texts;  ///< text
  std::vector<value_list> lists;        ///< list
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
        return texts.size();
      case value_kind::list:
        return lists.size();
    }
    return 0;
  }
  /// Forgets the rows and keeps the type and the memory.
  void clear() noexcept {
    ints.clear(), floats.clear(), bools.clear(), texts.clear(), lists.clear(), valid.clear();
  }
};

}  // namespace windrow::schema
