#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace windrow::storage {

/// A run of tiles of one lane that has left the head: written once, then only by late events.
struct segment {
  std::uint32_t number = 0;  ///< unique in its record, from 1; part of the storage key
  std::uint16_t lane = 0;
  bool wide = false;
  bool dirty = false;
  std::int64_t first = 0;  ///< bucket index of the first tile; tile buckets are offsets from it
  std::int64_t last = 0;   ///< bucket index of the last tile
  std::uint32_t count = 0;
  std::uint32_t capacity = 0;  ///< bytes of `tiles`
  std::byte* tiles = nullptr;  ///< null: not in memory
};

/// The segments of one record, ordered by (lane, first). Their tiles are the pool's.
struct segment_directory {
  static constexpr std::size_t entry_bytes = sizeof(segment) * 3 / 2;  ///< as counted: vectors grow
  std::vector<segment> segments;
  std::vector<std::uint32_t> erased;  ///< numbers whose stored segment must be deleted
  std::uint32_t next_number = 1;

  /// The newest segment of a lane; null where it has none.
  const segment* last_of(int lane) const noexcept;
  /// Where in `segments` a bucket of the lane is or would be: in the last one that starts at or
  /// before it, else in the first. REQUIRES: the lane has a segment.
  std::size_t index_for(int lane, std::int64_t bucket) const noexcept;
  /// Tiles of a lane, in memory or not.
  std::uint64_t tiles_of(int lane) const noexcept;
  /// Puts a segment at its place.
  void insert(const segment& s);
};

}  // namespace windrow::storage
