#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/varint.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/window/partials/partial.hpp"

/// Tiles: the partials of all rules of a watermark group's series that share a bucket.
///
/// A tile lies in memory as `stride` bytes: u32 bucket (an offset from a base its container
/// knows), then the row count and the partials. There are two forms, so that the usual tile is
/// small and no count or sum is ever wrong: *narrow* (u32 counts, 64-bit integer sums) and *wide*
/// (u64 counts, 128-bit sums). All tiles of one lane or segment have one form; a fold or merge
/// that a narrow tile cannot hold says so and changes nothing, and the container widens itself.
namespace windrow::storage {

struct all_partials;

/// One partial inside a tile.
struct tile_cell {
  schema::partial_kind kind = schema::partial_kind::non_null;
  std::uint16_t offset = 0;
  std::int32_t argument = schema::none;    ///< index into the tiling's arguments
  std::int32_t second = schema::none;      ///< the same, or none
  std::int32_t count_cell = schema::none;  ///< the argument's non_null cell, or none: row count
  std::int64_t parameter = 0;
};

struct tile_form {
  bool wide = false;
  std::uint16_t stride = 0;
  std::uint16_t rows_offset = 0;
  std::vector<tile_cell> cells;
};

/// The tiles of one tiling: layout, fold, merge and wire form. Immutable; shared by all records.
/// `Partials::visit` leads from a kind to its struct: `all_partials`, but for tests.
template <class Partials>
class basic_tile_type {
public:
  explicit basic_tile_type(const schema::tiling& t);

  const tile_form& form(bool wide) const noexcept { return wide ? wide_ : narrow_; }
  /// Whether tiles own memory outside themselves (sketches).
  bool owns_memory() const noexcept { return owns_memory_; }
  bool can_overflow() const noexcept { return can_overflow_; }
  /// How many tiles a record's head holds per lane: the least that a partial asks for.
  std::uint32_t inline_max() const noexcept { return inline_max_; }

  /// Makes `tile` an empty tile of bucket `bucket`.
  void create(std::byte* tile, bool wide, std::uint32_t bucket) const;
  /// Frees what the tile owns.
  void destroy(std::byte* tile, bool wide) const noexcept;
  /// Adds one row. False if the narrow form cannot hold the result; the tile is unchanged.
  bool fold(std::byte* tile, bool wide, const fold_row& row) const;
  /// Adds the rows of another tile of this type. False if the narrow form of `into` cannot hold
  /// the result; `into` is unchanged.
  bool merge(std::byte* into, bool into_wide, const std::byte* from, bool from_wide) const;
  /// Turns a narrow tile at `from` into a wide one at `to`, moving what it owns.
  void widen(const std::byte* from, std::byte* to) const;

  /// Takes rows and partials over from a tile of another tiling with the same buckets: cell i of
  /// `from` becomes cell `cells[i]` of `to`, or stays where it is (none). `to` must have been
  /// created and hold no rows; what moved is empty in `from`.
  void take_over(std::byte* to, const basic_tile_type& other, std::byte* from, bool wide,
                 std::span<const int> cells) const;

  /// Bytes that the tile owns outside itself.
  std::size_t owned_bytes(const std::byte* tile, bool wide) const noexcept;

  /// Appends the tile's wire form without its bucket.
  void encode(std::string& out, const std::byte* tile, bool wide) const;
  /// Reads what `encode` wrote into a created tile; false on bad bytes, or if the narrow form
  /// cannot hold them (then try wide).
  bool decode(varint_reader& in, std::byte* tile, bool wide) const;

  /// Whether a partial of the tile has overflowed (`partials::plain::can_overflow`).
  bool overflowed(const std::byte* tile, bool wide) const noexcept;
  /// Appends the overflow flag of each partial, in the order of the tiling: partial i is bit i % 8
  /// of byte i / 8, spare bits are 0.
  void encode_overflow(std::string& out, const std::byte* tile, bool wide) const;
  /// Reads what `encode_overflow` wrote into a decoded tile; false on bad bytes, and on the flag of
  /// a partial that cannot overflow.
  bool decode_overflow(varint_reader& in, std::byte* tile, bool wide) const;

  /// What one window of one feature is, from the wide tile that its tiles were merged into: the
  /// value, null if the aggregation says so, or `overflow`. `type` is the feature's.
  result<value> finalize(const std::byte* total, const schema::rule& r,
                         const schema::value_type& type) const;

  static std::uint32_t bucket(const std::byte* tile) noexcept {
    std::uint32_t b;
    std::memcpy(&b, tile, 4);
    return b;
  }
  static void set_bucket(std::byte* tile, std::uint32_t b) noexcept { std::memcpy(tile, &b, 4); }
  std::uint64_t rows(const std::byte* tile, bool wide) const noexcept;

private:
  template <bool IntoWide>
  void merge_cells(std::byte* into, const std::byte* from, bool from_wide) const;
  bool fold_fits(const std::byte* tile, const fold_row& row) const;
  bool merge_fits(const std::byte* into, const std::byte* from, bool from_wide) const;

  tile_form narrow_;
  tile_form wide_;
  std::vector<std::uint32_t> can_refuse_;  // cells whose narrow form cannot hold every result
  bool owns_memory_ = false;
  bool can_overflow_ = false;
  std::uint32_t inline_max_ = 0;
};

using tile_type = basic_tile_type<all_partials>;
extern template class basic_tile_type<all_partials>;

/// The merge of any number of tiles of one type: a wide tile that nothing contains. Moves only.
class tile_total {
public:
  tile_total() = default;
  explicit tile_total(const tile_type& type) { clear(type); }
  tile_total(tile_total&& other) noexcept
      : type_(std::exchange(other.type_, nullptr)), bytes_(std::move(other.bytes_)) {}
  tile_total& operator=(tile_total&& other) noexcept {
    std::swap(type_, other.type_), std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~tile_total() { free(); }

  /// Makes it the total of no tiles of `type`, which must outlive it.
  void clear(const tile_type& type) {
    free();
    type_ = &type;
    bytes_.resize(type.form(true).stride);
    type.create(bytes_.data(), true, 0);
  }
  void merge(const std::byte* tile, bool wide) { type_->merge(bytes_.data(), true, tile, wide); }
  std::uint64_t rows() const noexcept { return type_->rows(bytes_.data(), true); }
  /// A wide tile of `clear`'s type.
  const std::byte* tile() const noexcept { return bytes_.data(); }
  result<value> finalize(const schema::rule& r, const schema::value_type& type) const {
    return type_->finalize(bytes_.data(), r, type);
  }

private:
  void free() noexcept {
    if (type_) type_->destroy(bytes_.data(), true);
    type_ = nullptr;
  }

  const tile_type* type_ = nullptr;
  std::vector<std::byte> bytes_;
};

}  // namespace windrow::storage
