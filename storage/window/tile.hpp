#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/varint.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/window/distinct.hpp"

/// Tiles: the partials of all rules of a timeline's series that share a bucket.
///
/// A tile lies in memory as `stride` bytes: u32 bucket (an offset from a base its container
/// knows), then the row count and the partials. There are two forms, so that the usual tile is
/// small and no count or sum is ever wrong: *narrow* (u32 counts, 64-bit integer sums) and *wide*
/// (u64 counts, 128-bit sums). All tiles of one lane or segment have one form; a fold that a
/// narrow tile cannot hold says so and changes nothing, and the container widens itself.
namespace windrow::storage {

/// One partial inside a tile.
struct tile_cell {
  schema::partial_kind kind = schema::partial_kind::non_null;
  std::int32_t argument = schema::none;    ///< index into the tiling's arguments
  std::int32_t count_cell = schema::none;  ///< the argument's non_null cell, or none: row count
  std::uint16_t offset = 0;
};

struct tile_form {
  bool wide = false;
  std::uint16_t stride = 0;
  std::uint16_t rows_offset = 0;
  std::vector<tile_cell> cells;
};

/// A float sum and what rounding has taken from it (two-sum, Knuth TAOCP 4.2.2).
struct float_sum {
  double sum = 0;
  double lost = 0;
  void add(double v) noexcept {
    const double t = sum + v;
    const double b = t - sum;
    lost += (sum - (t - b)) + (v - b);
    sum = t;
  }
  void merge(const float_sum& other) noexcept {
    add(other.sum);
    lost += other.lost;
  }
  double total() const noexcept { return sum + lost; }
};

/// Mean and sum of squared deviations; merged by Chan, Golub and LeVeque (1979).
struct moment_pair {
  double mean = 0;
  double m2 = 0;
};

/// The merge of any number of tiles: every count 64 bits, every integer sum 128.
struct tile_total {
  struct cell {
    std::uint64_t count = 0;       ///< non_null
    int128 sum = 0;                ///< sum_int
    float_sum floats;              ///< sum_float
    std::int64_t int_extreme = 0;  ///< min_int, max_int
    double float_extreme = 0;      ///< min_float, max_float
    moment_pair moments;
    std::uint64_t moment_count = 0;  ///< values merged into `moments`
    std::unique_ptr<distinct_sketch> distinct;
  };
  std::uint64_t rows = 0;
  std::vector<cell> cells;
};

/// The tiles of one tiling: layout, fold, merge and wire form. Immutable; shared by all records.
class tile_type {
public:
  explicit tile_type(const schema::tiling& t);

  const tile_form& form(bool wide) const noexcept { return wide ? wide_ : narrow_; }
  /// Whether tiles own memory outside themselves (sketches).
  bool owns_memory() const noexcept { return owns_memory_; }

  /// The columns of a section that a fold reads, one an argument of the tiling.
  using arguments = std::span<const batch_column* const>;

  /// Makes `tile` an empty tile of bucket `bucket`.
  void create(std::byte* tile, bool wide, std::uint32_t bucket) const;
  /// Frees what the tile owns.
  void destroy(std::byte* tile, bool wide) const noexcept;
  /// Adds one row. False where the narrow form cannot hold the result; the tile is unchanged.
  bool fold(std::byte* tile, bool wide, arguments columns, std::size_t row) const;

  tile_total make_total() const;
  void reset(tile_total& total) const;
  void merge(tile_total& into, const std::byte* tile, bool wide) const;
  /// Writes `total` as a tile; false where the narrow form cannot hold it. The tile must have
  /// been created and hold no rows.
  bool store(const tile_total& total, std::byte* tile, bool wide) const;
  /// Turns a narrow tile at `from` into a wide one at `to`, moving what it owns.
  void widen(const std::byte* from, std::byte* to) const;

  /// Takes rows and partials over from a tile of another tiling with the same buckets: cell i of
  /// `from` becomes cell `cells[i]` of `to`, or stays where it is (none). `to` must have been
  /// created and hold no rows; what moved is empty in `from`.
  void take_over(std::byte* to, const tile_type& other, std::byte* from, bool wide,
                 std::span<const int> cells) const;

  /// Bytes that the tile owns outside itself.
  std::size_t owned_bytes(const std::byte* tile, bool wide) const noexcept;

  /// Appends the tile's wire form without its bucket.
  void encode(std::string& out, const std::byte* tile, bool wide) const;
  /// Reads what `encode` wrote into a created tile; false on bad bytes, or where the narrow form
  /// cannot hold them (then try wide).
  bool decode(varint_reader& in, std::byte* tile, bool wide) const;

  static std::uint32_t bucket(const std::byte* tile) noexcept {
    std::uint32_t b;
    std::memcpy(&b, tile, 4);
    return b;
  }
  static void set_bucket(std::byte* tile, std::uint32_t b) noexcept { std::memcpy(tile, &b, 4); }
  std::uint64_t rows(const std::byte* tile, bool wide) const noexcept;

private:
  tile_form narrow_;
  tile_form wide_;
  bool owns_memory_ = false;
};

/// What one window of one feature is, from the merge of its tiles: the value, null where the
/// aggregation says so, or `overflow`.
result<value> lower(const schema::plan& p, const schema::rule& r, const schema::value_type& type,
                    const tile_total& total);

}  // namespace windrow::storage
