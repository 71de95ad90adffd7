#pragma once

#include <cstddef>
#include <cstdint>

#include "base/huge_pages.hpp"
#include "storage/record/record.hpp"
#include "storage/shard/change_tracker.hpp"
#include "storage/shard/checkpoint_cycle.hpp"
#include "storage/shard/record_loader.hpp"
#include "storage/shard/record_table.hpp"
#include "storage/shard/stripe_write.hpp"

namespace windrow::storage {

struct shard_memory {
  std::size_t records = 0;  ///< bytes of records, segments, sketches
  std::size_t table = 0;
  std::size_t dirty = 0;        ///< estimate of bytes a full checkpoint would write
  std::uint64_t in_memory = 0;  ///< records
};

/// Holds a shard to its memory budget: which of its clean records leave, and when.
///
/// Records leave a stripe at a time, those used least first, until it is down to a third of its
/// share: once a write of it is committed, which is when nearly all of it is clean, and where
/// memory is `pressed` all the same, stripe after stripe.
///
/// Concurrency: none; refers to all it is made with.
class eviction {
public:
  struct parts {
    record_pool& pool;
    const table_memory& memory;
    record_table& table;
    const change_tracker& changes;
    record_loader& loader;
    const checkpoint_cycle& cycle;
  };
  /// `budget`: bytes of all that the shard holds but the pages of a commit.
  eviction(const parts& p, std::size_t budget) : parts_(p), budget_(budget) {}

  /// Whether memory nears its budget: records should be written, so that others may leave.
  bool pressed() const noexcept { return above(budget_ / 8 * 7); }
  /// Whether memory is above its budget: input should wait.
  bool over_budget() const noexcept { return above(budget_); }
  /// Makes room where memory is pressed: looks at about `records_max` records of the next stripes.
  void evict(std::size_t records_max);
  /// Makes room in the stripes of a write that was just committed, before memory is pressed.
  void evict_written(const stripe_write& write);

  shard_memory memory() const noexcept;

private:
  bool above(std::size_t bytes) const noexcept;
  std::size_t other_bytes() const noexcept;
  std::size_t stripe_target() const noexcept;
  void evict_from(std::uint32_t stripe, std::size_t target);

  const parts parts_;
  const std::size_t budget_;
  std::uint32_t hand_ = 0;  // the stripe whose turn it is
};

}  // namespace windrow::storage
