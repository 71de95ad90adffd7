#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "storage/batch.hpp"

namespace windrow::storage {

/// How far each source partition has come in one place: its position, and its clocks, the newest
/// event time of every watermark group of the plan among its own messages up to there. A partition
/// that lags behind others is judged by its own clocks, also after a restart.
///
/// A position is (generation, sequence): whatever a partition numbers anew is a later generation,
/// which lies behind every sequence of those before. A value; flat, because a shard has 256.
class source_progress {
public:
  struct entry {
    partition_id partition = 0;
    sequence at = 0;
    std::uint32_t generation = 0;
    friend bool operator==(const entry&, const entry&) = default;
  };

  /// `clocks`: how many watermark groups there are.
  explicit source_progress(std::size_t clocks = 0) : clock_count_(clocks) {}

  /// By partition.
  std::span<const entry> entries() const noexcept { return entries_; }
  /// Null if nothing of the partition was applied.
  const entry* find(partition_id partition) const noexcept;
  /// The clocks of an entry of this object; `no_time` where there was no event.
  std::span<const std::int64_t> clocks_of(const entry& of) const noexcept;

  /// Moves a partition on; what is behind changes nothing. `clocks` has one time per watermark
  /// group.
  void advance(const entry& to, std::span<const std::int64_t> clocks);
  void advance(const source_progress& other);
  /// The newest event time of each watermark group, of all partitions.
  std::vector<std::int64_t> max_event_times() const;
  positions at() const;
  /// Forgets every clock: for a planted bug.
  void forget_clocks();

  friend bool operator==(const source_progress&, const source_progress&) = default;

private:
  std::size_t index_of(partition_id partition) const noexcept;

  std::size_t clock_count_ = 0;
  std::vector<entry> entries_;        // by partition
  std::vector<std::int64_t> clocks_;  // `clock_count_` an entry, in the same order
};

}  // namespace windrow::storage
