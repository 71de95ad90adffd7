#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "storage/record/layout_table.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_key.hpp"
#include "storage/shard/change_tracker.hpp"
#include "storage/shard/record_table.hpp"
#include "storage/shard/shard_progress.hpp"
#include "storage/shard/stripe_write.hpp"

namespace windrow::storage {

/// Turns the dirty records of a shard into writes, a stripe after the other until all have had
/// their turn: one checkpoint cycle.
///
/// Concurrency: none; refers to all it is made with.
class checkpoint_cycle {
public:
  struct parts {
    record_pool& pool;
    layout_table& layouts;
    const record_table& table;
    change_tracker& changes;
    const shard_progress& progress;
  };
  /// `commit_bytes`: of the pages of the file that one commit may copy, about.
  checkpoint_cycle(const parts& p, std::uint64_t folder_seed, std::size_t commit_bytes)
      : parts_(p), folder_seed_(folder_seed), commit_bytes_(commit_bytes) {}

  /// Begins a cycle over all stripes; one under way goes on.
  void begin() noexcept {
    if (!active()) next_ = 0;
  }
  bool active() const noexcept { return next_ < stripe_count; }
  /// Encodes the next stripes until about `bytes` are gathered; null when the cycle is done or its
  /// next stripe still has a write under way. `stored_bytes`: about what the shard has stored.
  std::unique_ptr<stripe_write> next_write(std::size_t bytes, std::size_t stored_bytes);
  /// The write is on disk.
  void committed(const stripe_write& write);
  /// Memory of the writes under way.
  std::size_t in_flight_bytes() const noexcept { return in_flight_bytes_; }

private:
  bool next_waits() const noexcept;
  void encode_stripe_into(std::uint32_t stripe, stripe_write& out);
  void encode_record(std::uint64_t hi, record* r, stripe_write& out);

  const parts parts_;
  const std::uint64_t folder_seed_;
  const std::size_t commit_bytes_;
  std::uint32_t next_ = stripe_count;
  std::size_t in_flight_bytes_ = 0;
};

}  // namespace windrow::storage
