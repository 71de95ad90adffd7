#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "storage/record/record.hpp"
#include "storage/record/record_codec.hpp"
#include "storage/shard/change_tracker.hpp"
#include "storage/shard/cold_records.hpp"
#include "storage/shard/record_loader.hpp"
#include "storage/shard/record_reader.hpp"
#include "storage/shard/record_table.hpp"
#include "storage/shard/retention_horizon.hpp"
#include "storage/shard/shard_progress.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// Physically expires what no window can use any more, a stripe after the other, each once its
/// newest event time has moved on by a quarter of the least retention.
///
/// A look at a record is paid for: by records that are written, so that what has expired stays
/// below what is alive however fast groups come and go, and by an allowance, for when little is
/// written. What has something to drop comes into memory changed, to be written or deleted.
///
/// Concurrency: none; refers to all it is made with.
class expiry_sweep {
public:
  struct parts {
    record_reader& source;
    cold_records& cold;
    record_pool& pool;
    record_table& table;
    change_tracker& changes;
    const record_loader& loader;
    const retention_horizon& retained;
    shard_progress& progress;
  };
  explicit expiry_sweep(const parts& p);

  /// Records were encoded for a write: each pays for two looks.
  void written(std::size_t records) noexcept;
  /// Pays for that many looks.
  void earn(std::size_t looks) noexcept;
  /// Looks at some thousand records of stripes that are due, as far as paid for. True if there is
  /// more to do that is paid for.
  result<bool> sweep();

private:
  bool due(std::uint32_t stripe, std::int64_t max_event_time) const noexcept;
  bool drop_expired(record*& r);
  void sweep_memory(std::uint32_t stripe);
  result<void> sweep_stored(std::uint32_t stripe, std::int64_t values_max);

  const parts parts_;
  std::int64_t every_ = 0;           // of event time: a quarter of the least retention
  std::int64_t credit_ = 0;          // records that may be looked at
  std::uint32_t stripe_ = 0;         // whose turn it is
  std::int64_t max_event_time_ = 0;  // when the sweep of `stripe_` began
  std::optional<storage_key> from_;  // its stored records from there on are to be swept
};

}  // namespace windrow::storage
