#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>

#include "base/varint.hpp"
#include "schema/aggregation/aggregation.hpp"
#include "schema/expression/column.hpp"
#include "storage/batch.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// What a partial is: the bytes of one cell of a tile and everything that is done with them.
///
/// A partial is a struct of static functions, named as in `schema/aggregation/list.def`; nothing of
/// it is virtual, so that a tile's loop over its cells inlines them. A cell has a *narrow* and a
/// *wide* form (`wide` says which), which may be one. All it must have:
///
/// * `bytes(wide)`: the size of a cell, a multiple of 8.
/// * `fold(cell, wide, input)`: adds a row whose argument is not null.
/// * `merge(into, into_wide, from, from_wide, counts)`: adds another cell. Commutative and
///   associative; a cell of zero bytes (after `create`) is the identity.
/// * `encode(out, cell, wide, head)`, `decode(in, cell, wide, head)`: the wire form. `decode` reads
///   into a created cell; false on bad bytes and if the narrow form cannot hold them.
/// * `finalize(wide cell, question)`: the answer of an aggregation that reads it.
///
/// What else there may be is in `plain`, which a partial derives from: how it is when nothing is
/// special. Concurrency: none; the owner of the tile.
namespace windrow::storage {

/// One row to be folded, as the shard sees it.
struct fold_row {
  std::span<const batch_column* const> columns;  ///< one per argument of the tiling
  std::size_t row = 0;                           ///< in each column
  std::int64_t time = 0;                         ///< event time, microseconds
  partition_id partition = 0;                    ///< with `at`: orders rows of one time
  sequence at = 0;
};

namespace partials {

/// What a partial sees of a row.
struct input {
  const batch_column& value;             ///< the argument; not null at `row`
  const batch_column* second = nullptr;  ///< the second argument, if `reads_second`; may be null
  std::size_t row = 0;
  std::int64_t time = 0;
  partition_id partition = 0;
  sequence at = 0;
  std::int64_t parameter = 0;
  std::uint64_t count = 0;  ///< rows with an argument, this one included, if `reads_count`
};

/// Rows with an argument in each of two cells before they are merged, if `reads_count`.
struct counts {
  std::uint64_t into = 0;
  std::uint64_t from = 0;
};

/// What the head of a stored tile says.
struct wire_head {
  std::uint64_t rows = 0;
  bool exact = true;  ///< `is_exact` of every cell
};

/// What is asked of a cell of a total.
struct question {
  schema::aggregation function = schema::aggregation::count;
  const schema::value_type& type;  ///< of the answer
  std::span<const value> parameters;
  std::uint64_t count = 0;  ///< rows with an argument
};

struct plain {
  /// Whether cells own memory outside the tile: then `destroy` and `owned_bytes` are called.
  static constexpr bool owns_memory = false;
  /// Whether the narrow form cannot hold every result: then `fits` and `merge_fits` are called.
  static constexpr bool can_refuse = false;
  static constexpr bool reads_count = false;
  static constexpr bool reads_second = false;
  /// Whether a cell can give up on a state that grew too large, and says so in its bytes: then
  /// `overflowed` and `set_overflowed` are called. No partial of a plan does so far.
  static constexpr bool can_overflow = false;
  /// How many tiles with such a cell a record's head holds per lane.
  static constexpr std::uint32_t inline_max = 64;

  /// Makes a cell of zero bytes an empty one.
  static void create(std::byte*) noexcept {}
  static void destroy(std::byte*) noexcept {}
  static std::size_t owned_bytes(const std::byte*) noexcept { return 0; }
  static bool overflowed(const std::byte*) noexcept { return false; }
  static void set_overflowed(std::byte*) noexcept {}
  /// Whether the short wire form says everything.
  static bool is_exact(const std::byte*) noexcept { return true; }
};

template <class T>
T load(const std::byte* at) noexcept {
  T v;
  std::memcpy(&v, at, sizeof(T));
  return v;
}
template <class T>
void save(std::byte* at, const T& v) noexcept {
  std::memcpy(at, &v, sizeof(T));
}

inline double number_at(const batch_column& column, std::size_t row) noexcept {
  return column.kind == schema::value_kind::floating ? column.floats[row]
                                                     : static_cast<double>(column.ints[row]);
}

/// The error of an answer that its type cannot hold.
inline failure overflow(const question& asked) {
  const bool whole = asked.type.kind == schema::value_kind::integer;
  return {errc::overflow,
          "the " + std::string(to_string(asked.function)) +
              (whole ? " does not fit an int of 64 bits; use a shorter window or a float argument"
                     : " is beyond the largest float, or was on the way; use a shorter window or a "
                       "larger unit")};
}

inline result<value> finite(double v, const question& asked) {
  if (!std::isfinite(v)) return overflow(asked);
  return value{v};
}

inline result<value> whole_number(std::uint64_t n, const question& asked) {
  if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return overflow(asked);
  }
  return value{static_cast<std::int64_t>(n)};
}

}  // namespace partials
}  // namespace windrow::storage
