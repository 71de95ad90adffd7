#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/prefetch.hpp"
#include "storage/batch.hpp"

namespace windrow::storage {

/// A message that was accepted: what it was called, and which it was.
struct dedup_id {
  key_hash id;
  std::int64_t time = 0;  ///< event time, microseconds
  sequence at = 0;
  std::uint32_t track = 0;  ///< its stream and source partition, by number (`dedup_index`)
  friend bool operator==(const dedup_id&, const dedup_id&) = default;
};

/// The ids accepted last, in order of arrival, with an index by hash. An id may be in it several
/// times. One writer; what has been added does not move or change, so another thread may read
/// entries below a size it was told.
class dedup_memtable {
public:
  /// 56 to 64 bytes of memory an id.
  static constexpr std::size_t bytes_per_id = sizeof(dedup_id) + 2 * sizeof(std::uint64_t);

  dedup_memtable(std::uint64_t generation, std::size_t capacity)
      : generation_(generation),
        capacity_(capacity),
        mask_(std::bit_ceil(capacity + capacity / 2) - 1),
        slots_(mask_ + 1) {
    entries_.reserve(capacity);
  }

  /// Numbers tables in the order in which they were begun.
  std::uint64_t generation() const noexcept { return generation_; }
  std::span<const dedup_id> entries() const noexcept { return entries_; }
  bool has_room_for(std::size_t count) const noexcept {
    return entries_.size() + count <= capacity_;
  }
  std::size_t memory_bytes() const noexcept {
    return capacity_ * sizeof(dedup_id) + slots_.size() * sizeof(std::uint64_t);
  }

  void prefetch(const key_hash& id) const noexcept { windrow::prefetch(&slots_[id.hi & mask_]); }

  /// Requires room.
  void add(const dedup_id& seen) {
    std::size_t at = seen.id.hi & mask_;
    while (slots_[at] != 0) at = (at + 1) & mask_;
    entries_.push_back(seen);
    slots_[at] = tag(seen.id) | entries_.size();
  }

  /// Shows every entry of that id.
  template <class Visit>
  void find(const key_hash& id, Visit&& visit) const {
    for (std::size_t at = id.hi & mask_; slots_[at] != 0; at = (at + 1) & mask_) {
      if ((slots_[at] & tag_bits) != tag(id)) continue;
      const dedup_id& entry = entries_[(slots_[at] & ~tag_bits) - 1];
      if (entry.id == id) visit(entry);
    }
  }

  // Of `dedup_index`: what of it is on disk.
  std::size_t flushed = 0;   ///< entries
  std::uint32_t chunks = 0;  ///< values in the log

private:
  static constexpr std::uint64_t tag_bits = ~std::uint64_t{0} << 32;
  static std::uint64_t tag(const key_hash& id) noexcept { return id.lo & tag_bits; }

  const std::uint64_t generation_;
  const std::size_t capacity_;
  const std::size_t mask_;
  std::vector<dedup_id> entries_;
  std::vector<std::uint64_t> slots_;  ///< tag, and index + 1; 0: empty
};

}  // namespace windrow::storage
