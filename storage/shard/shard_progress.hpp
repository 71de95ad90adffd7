#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/record_key.hpp"
#include "storage/shard/source_progress.hpp"
#include "storage/shard/stripe.hpp"

namespace windrow::storage {

/// How far each stripe of a shard has come: in every source partition, in late rows, in expiry.
/// From it follow which rows of a replay are applied already, from where to replay, and what is
/// stored beside a stripe's records.
///
/// After a restart the stripes' positions differ, and a row at or below its stripe's is skipped;
/// what is applied in this run holds for all of them.
///
/// Concurrency: none; refers to the plan.
class shard_progress {
public:
  explicit shard_progress(const schema::plan& plan);

  /// Takes over what was stored of a stripe.
  void recover(std::uint32_t stripe, stripe_state state);
  /// The newest event times that any stripe recovered, by watermark group.
  std::vector<std::int64_t> recovered_event_times() const {
    return recovered_most_.max_event_times();
  }

  /// Whether a row of the batch may have been applied already.
  bool replaying(const batch& b) const;
  /// Whether this one has.
  bool already_applied(const batch& b, const section& s, std::size_t row) const;
  /// All rows of the batch are applied.
  void applied(const batch& b) { applied_.advance({b.partition, b.last, 0}, b.max_event_times); }
  /// A row of the stripe was too old for a plan rule.
  void count_late(std::uint32_t stripe, std::size_t rule) noexcept {
    ++stripes_[stripe].rules[rule].late;
    ++late_[rule];
  }
  /// Late rows by plan rule, over all stripes.
  const std::vector<std::uint64_t>& late_by_rule() const noexcept { return late_; }

  /// The newest event time when the stripe was last swept; `no_time` before the first time.
  std::int64_t swept(std::uint32_t stripe) const noexcept { return stripes_[stripe].swept; }
  void set_swept(std::uint32_t stripe, std::int64_t max_event_time) noexcept {
    stripes_[stripe].swept = max_event_time;
  }

  positions position_of(std::uint32_t stripe) const;
  /// What a write of the stripe's dirty records must store with them.
  stripe_state state_of(std::uint32_t stripe) const;
  /// The same of every stripe.
  std::vector<stripe_state> states() const;

  /// Per source partition: the smallest position of any stripe, from where to replay.
  positions resume_positions() const;
  /// The same of one partition; 0 if nothing of it is applied.
  sequence resume_position(partition_id partition) const;
  /// The partition's own clocks at its smallest position, by watermark group of the plan: with them
  /// ingest judges what is late as it did the first time, whatever other partitions have brought.
  std::vector<std::int64_t> resume_clocks(partition_id partition) const;

private:
  const schema::plan& plan_;
  std::array<stripe_state, stripe_count> stripes_;  // positions and clocks: as recovered
  source_progress applied_;         // every stripe's, unless it recovered a later one
  source_progress recovered_most_;  // the furthest that any stripe recovered
  std::vector<std::uint64_t> late_;
};

}  // namespace windrow::storage
