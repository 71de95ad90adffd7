#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/bucket_bases.hpp"
#include "storage/record/record_layout.hpp"
#include "storage/record/scalars.hpp"
#include "storage/record/segment_directory.hpp"
#include "storage/window/tile.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// The head of one record in memory. What follows it, in one block: lane words (u16 a lane: tile
/// count, form, whether a rollup is kept), the anchors (u32 each: where lanes 8, 16, ... begin,
/// counted from the first tile), the key, a pointer to the segment directory where there is one,
/// the scalars, and the tiles of every lane in order. Owned and changed by `record_pool`.
struct record {
  std::uint64_t lo;          ///< low half of the key hash
  std::uint32_t generation;  ///< of its stripe, when it was last changed
  std::uint32_t capacity;
  std::uint32_t used;
  std::uint32_t scalars_length;
  std::uint16_t key_length;
  std::uint16_t space;  ///< key space
  std::uint16_t epoch;  ///< which bucket bases its tiles are offsets from
  std::uint16_t flags;
  std::uint32_t owned;  ///< bytes owned outside the block: segments, sketches

  static constexpr std::uint16_t has_directory = 1;
  static constexpr std::uint16_t dead = 2;  ///< holds nothing: to be deleted from storage
  // The other bits are its heat: how often it was used, halved each time eviction passes.
  static constexpr int heat_at = 8;
  static constexpr std::uint16_t heat_one = 1 << heat_at;
  static constexpr std::uint16_t heat_most = 15 << heat_at;

  int heat() const noexcept { return flags >> heat_at; }
  void warm() noexcept {
    if (flags < heat_most) flags = static_cast<std::uint16_t>(flags + heat_one);
  }
  void cool() noexcept {
    flags = static_cast<std::uint16_t>((flags & (heat_one - 1)) | ((flags >> 1) & heat_most));
  }
};

/// Reads a stored segment's bytes into tiles. Given by whoever can reach storage.
using segment_loader = std::function<result<void>(const record&, segment&)>;

/// Where the buckets a lane keeps begin, per lane of one key space.
using keep_from = std::span<const std::int64_t>;

/// Every change of a record's bytes: creation, folds, scalars, sealing, trimming, rollups.
///
/// Functions that may move a record take `record*&` and update it; the caller fixes whatever
/// points at it. Concurrency: none. Not here: which records are dirty, stored or evicted.
class record_pool {
public:
  explicit record_pool(schema::plan_ptr plan);
  ~record_pool();

  const record_layouts& layouts() const noexcept { return layouts_; }
  const record_layout& layout(int key_space) const { return layouts_.of(key_space); }
  /// Bytes kept from others: slabs in use, and what records own outside them.
  std::size_t used_bytes() const noexcept { return arena_.used() + owned_; }
  /// Of one key space, kept up to date by every change: records there are, and their buckets
  /// (tiles of level 0, in the head or sealed, the segment itself in memory or not).
  struct held {
    std::uint64_t records = 0;
    std::uint64_t buckets = 0;
    friend bool operator==(const held&, const held&) = default;
  };
  const std::vector<held>& holds() const noexcept { return held_; }

  /// A record without tiles or scalars, with room for about `room` bytes of them.
  record* create(int key_space, std::string_view key, std::uint64_t lo, std::size_t room = 32);
  void destroy(record* r) noexcept;

  static std::string_view key(const record& r, const record_layout& s) noexcept {
    return {reinterpret_cast<const char*>(&r) + s.key_offset, r.key_length};
  }
  std::string_view key(const record& r) const noexcept { return key(r, layout(r.space)); }

  /// Adds one row to the bucket `index` of a level-0 lane and of the rollups kept above it. Whether
  /// the row is late is the caller's business; what lies more than 2^32 - 2^28 buckets behind the
  /// newest event, which no rule retains, is left out.
  result<void> fold(record*& r, int lane, std::int64_t index, const fold_row& row, keep_from keep,
                    const segment_loader& load);

  /// Where a lane of a record begins. Carried from lane to lane in rising order, so that a row that
  /// folds into many does not walk over all before for each; void once the record's shape changes.
  struct lane_cursor {
    int lane = 0;
    std::byte* at = nullptr;
  };

  /// Folds into the newest bucket of the lane where it is that of the event: the usual case, and
  /// nothing moves. False where `fold` is needed.
  bool fold_newest(record* r, const record_layout& s, int lane, std::int64_t index,
                   const fold_row& row, lane_cursor& cursor) {
    const std::uint16_t word = lane_word(r, lane);
    const std::uint32_t count = word & count_mask;
    if (count == 0 || upper_active(r, s, lane)) return false;
    const tile_type& type = *s.lanes[static_cast<std::size_t>(lane)].tiles;
    const bool wide = word & wide_bit;
    const std::size_t last = (count - 1) * std::size_t{type.form(wide).stride};
    std::byte* tile = advance(cursor, r, s, lane) + last;
    if (static_cast<std::int64_t>(tile_type::bucket(tile)) + base(r, lane) != index) return false;
    return type.owns_memory() ? fold_owning(*r, type, tile, wide, row) : type.fold(tile, wide, row);
  }

  /// Stores a plan scalar if `time` is at or after the stored one's. True if it changed.
  bool set_scalar(record*& r, int index, std::int64_t time, const value& v);
  using scalar_value = storage::scalar_value;
  std::optional<scalar_value> scalar(const record& r, int index) const {
    return find_scalar(scalars(r), layouts_.place_of_scalar(index));
  }

  /// Moves the record and its segments out of slabs that are nearly empty, so that those are freed.
  void defragment(record*& r);
  /// Lets the segments that are stored as they are leave memory.
  void unload_segments(record& r) noexcept;

  /// Whether dropping what lies before `keep` is worth writing the record again: half the tiles of
  /// some lane in the head, or a segment. So a record that gets no more events is written again
  /// only a few times until it is gone.
  bool worth_trimming(const record& r, keep_from keep) const noexcept;
  /// Drops tiles and segments before `keep`. True where something was dropped.
  bool trim(record*& r, keep_from keep);
  /// Nothing is left: no tiles, no segments, no scalars.
  bool empty(const record& r) const noexcept;

  segment_directory* directory(const record& r) const noexcept;
  void free_segment(record& r, segment& s) noexcept;

  // Used by the codec and by readers (tile_scan.hpp).
  std::uint32_t tile_count(const record& r, int lane) const noexcept {
    return lane_word(&r, lane) & count_mask;
  }
  bool lane_wide(const record& r, int lane) const noexcept {
    return lane_word(&r, lane) & wide_bit;
  }
  bool rollup_kept(const record& r, int lane) const noexcept {
    return lane_word(&r, lane) & active_bit;
  }
  void keep_rollup(record& r, int lane) noexcept {
    set_lane_word(&r, lane, lane_word(&r, lane) | active_bit);
  }
  const std::byte* tiles(const record& r, int lane) const noexcept {
    return lane_begin(const_cast<record*>(&r), layout(r.space), lane);
  }
  std::int64_t base(const record* r, int lane) const noexcept {
    return bases_.of(r->epoch, r->space, lane);
  }
  std::span<const std::byte> scalars(const record& r) const noexcept;
  /// Replaces the scalars' bytes (from storage).
  void set_scalars(record*& r, std::span<const std::byte> bytes);
  /// Appends a tile after the lane's last (from storage); returns it created and empty, or null
  /// where the bucket is too far behind the newest event to be held.
  std::byte* append(record*& r, int lane, std::int64_t index, bool wide);
  /// Makes a lane wide.
  void widen(record*& r, int lane);
  segment_directory& make_directory(record*& r);
  /// Memory for a segment's tiles; counted as the record's.
  void allocate_segment(record& r, segment& s, std::size_t bytes);

  /// Lists a segment that is stored, in the order of the directory.
  void list_segment(record& r, const segment& s);
  /// Counts bytes that tiles read from storage own.
  void count_owned(record& r, std::size_t bytes) noexcept {
    own(r, static_cast<std::ptrdiff_t>(bytes));
  }

  /// Centres bases for new records on the newest times; call when they first are known.
  void set_max_event_times(std::span<const std::int64_t> max_event_times) {
    bases_.set_max_event_times(max_event_times);
  }

private:
  static constexpr std::uint16_t count_mask = 0x0fff;
  static constexpr std::uint16_t active_bit = 0x4000;
  static constexpr std::uint16_t wide_bit = 0x8000;
  static constexpr std::uint32_t rollup_at = 128;  // tiles of a lane that make its rollup worth it

  static std::uint16_t lane_word(const record* r, int lane) noexcept {
    return reinterpret_cast<const std::uint16_t*>(r + 1)[lane];
  }
  void set_lane_word(record* r, int lane, unsigned word) noexcept {
    std::uint16_t& at = reinterpret_cast<std::uint16_t*>(r + 1)[lane];
    count_buckets(*r, lane, (word & count_mask) - std::int64_t{at & count_mask});
    at = static_cast<std::uint16_t>(word);
  }
  void count_buckets(const record& r, int lane, std::int64_t more) noexcept {
    if (layout(r.space).lanes[static_cast<std::size_t>(lane)].level == 0)
      held_[r.space].buckets += static_cast<std::uint64_t>(more);
  }
  static std::uint32_t body_offset(const record* r, const record_layout& s) noexcept {
    return (s.key_offset + r->key_length + 7) & ~7u;
  }
  static std::uint32_t scalars_offset(const record* r, const record_layout& s) noexcept {
    return body_offset(r, s) + (r->flags & record::has_directory ? 8u : 0u);
  }
  static std::uint32_t tiles_offset(const record* r, const record_layout& s) noexcept {
    return scalars_offset(r, s) + ((r->scalars_length + 7) & ~7u);
  }
  static std::uint32_t* anchors(record* r, const record_layout& s) noexcept {
    return reinterpret_cast<std::uint32_t*>(reinterpret_cast<std::byte*>(r) + s.anchor_offset);
  }
  static std::byte* advance(lane_cursor& to, record* r, const record_layout& s, int lane) noexcept {
    if (!to.at) to.at = reinterpret_cast<std::byte*>(r) + tiles_offset(r, s);
    if (const int anchor = lane / lanes_per_anchor; anchor > to.lane / lanes_per_anchor) {
      to.lane = anchor * lanes_per_anchor;
      to.at = reinterpret_cast<std::byte*>(r) + tiles_offset(r, s) + anchors(r, s)[anchor - 1];
    }
    for (; to.lane < lane; ++to.lane) {
      const std::uint16_t word = lane_word(r, to.lane);
      to.at += static_cast<std::size_t>(word & count_mask) *
               s.lanes[static_cast<std::size_t>(to.lane)].tiles->form(word & wide_bit).stride;
    }
    return to.at;
  }
  static std::byte* lane_begin(record* r, const record_layout& s, int lane) noexcept {
    lane_cursor from;
    return advance(from, r, s, lane);
  }
  bool upper_active(const record* r, const record_layout& s, int lane) const noexcept {
    const int upper = s.lanes[static_cast<std::size_t>(lane)].upper;
    return upper != schema::none && (lane_word(r, upper) & active_bit);
  }

  /// Replaces `old_bytes` at `offset` by `new_bytes` of undefined content, moving what follows.
  void splice(record*& r, std::size_t offset, std::size_t old_bytes, std::size_t new_bytes);
  /// The same within the tiles of a lane, which thereby gets another word.
  void resize_lane(record*& r, int lane, unsigned word, std::size_t offset, std::size_t old_bytes,
                   std::size_t new_bytes);
  /// Moves the record to a smaller block where there is one.
  void shrink(record*& r);
  /// Makes the record able to hold the bucket. False where that would cost buckets that are still
  /// retained: it lies so far behind the newest event that no rule has a use for it.
  bool fit_epoch(record*& r, int lane, std::int64_t index);
  /// Folds into a tile of the record and counts what the tile owns more for it.
  bool fold_owning(record& r, const tile_type& type, std::byte* tile, bool wide,
                   const fold_row& row);
  result<void> fold_one(record*& r, int lane, std::int64_t index, const fold_row& row,
                        keep_from keep, const segment_loader& load);
  std::uint32_t insert_tile(record*& r, int lane, std::uint32_t position, std::int64_t index);
  void drop_front(record*& r, int lane, std::uint32_t tiles);
  std::uint32_t expired_in_front(const record* r, int lane, std::int64_t keep) const noexcept;
  void trim_directory(record& r, keep_from keep);
  result<void> seal(record*& r, int lane, keep_from keep, const segment_loader& load);
  void seal_oldest(record*& r, int lane, keep_from keep);
  result<void> build_rollup_if_due(record*& r, int lane, keep_from keep,
                                   const segment_loader& load);
  result<void> fold_sealed(record*& r, int lane, std::int64_t index, const fold_row& row,
                           const segment_loader& load);
  void widen_segment(record& r, segment& s);
  void split_segment(record& r, std::size_t position);
  result<void> build_rollup(record*& r, int lane, keep_from keep, const segment_loader& load);
  void rebase(record*& r, std::uint16_t epoch);
  std::uint64_t total_tiles(const record& r, int lane) const noexcept;
  void own(record& r, std::ptrdiff_t bytes) noexcept;

  record_layouts layouts_;
  bucket_bases bases_;
  arena arena_;
  std::size_t owned_ = 0;
  std::vector<held> held_;  // by key space
};

}  // namespace windrow::storage
