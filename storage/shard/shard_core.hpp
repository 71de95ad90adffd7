#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/huge_pages.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/layout_table.hpp"
#include "storage/record/record.hpp"
#include "storage/shard/change_tracker.hpp"
#include "storage/shard/checkpoint_cycle.hpp"
#include "storage/shard/cold_records.hpp"
#include "storage/shard/eviction.hpp"
#include "storage/shard/expiry_sweep.hpp"
#include "storage/shard/record_loader.hpp"
#include "storage/shard/record_reader.hpp"
#include "storage/shard/record_table.hpp"
#include "storage/shard/retention_horizon.hpp"
#include "storage/shard/section_plan.hpp"
#include "storage/shard/shard_progress.hpp"
#include "storage/shard/shard_reader.hpp"
#include "storage/shard/stripe_write.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {

/// What a shard has stored besides its records; empty for a new shard.
struct stored_shard {
  layout_definitions layouts;                    ///< by number
  std::map<std::uint32_t, std::string> stripes;  ///< their metas, by stripe
};

struct shard_options {
  std::uint32_t shard = 0;
  std::uint64_t folder_seed = 0;
  /// Bytes of all that the shard holds: records, tables, what is being written, and the pages that
  /// LMDB keeps for a transaction.
  std::size_t memory_budget = std::size_t{1} << 30;
};

struct apply_outcome {
  std::uint64_t rows = 0;             ///< folded
  std::uint64_t already_applied = 0;  ///< at or below their stripe's position (replay)
  std::uint64_t late = 0;             ///< rows too old for at least one rule
};

/// The window state of one shard: applies batches, and gives each of its parts its turn.
///
/// Problem: millions of rows a second must each change a record, every change must survive a
/// crash exactly once, and state may exceed memory.
///
/// Operation. `apply` folds a batch; all rows of a batch are in, or (an error) none may be
/// checkpointed any more. Records are in a table by hash, in 256 stripes (`record_table`); one
/// changed since its stripe's last encoding is on the stripe's dirty list (`change_tracker`).
/// `next_write` encodes the dirty records of the next stripes with the shard's positions
/// (`checkpoint_cycle`); once the caller has committed that write it calls `committed`, and only
/// then are those records clean. Clean records may leave memory (`eviction`); a row for one that
/// has left reads it back first, sorted by key (`record_loader`).
///
/// Little memory. Where memory is `pressed` the caller takes the next write of a cycle, and no more
/// than that: a stripe is written when its turn comes round again, with as many changes as memory
/// has room for, since a commit costs a page of the file for nearly each record.
///
/// Concurrency: one caller at a time, any thread. No clock, no disk (see `record_reader`).
/// After `apply` has failed only lookups may follow.
class shard_core {
public:
  /// `stored` is what `source`'s storage holds besides records.
  static result<std::unique_ptr<shard_core>> open(schema::plan_ptr plan, shard_options options,
                                                  record_reader& source,
                                                  const stored_shard& stored);

  result<apply_outcome> apply(const batch& b);

  result<lookup_answer> lookup(const lookup_request& request) { return reader_.lookup(request); }
  /// The buckets behind one window value, oldest first.
  result<std::vector<explained_bucket>> explain(const lookup_request& request) {
    return reader_.explain(request);
  }
  /// Visits every record, in memory or stored, in no order; the record is valid in the call.
  result<void> for_each_record(const std::function<void(const record_pool&, record&)>& visit) {
    return reader_.for_each_record(visit);
  }

  /// Begins a checkpoint cycle over all stripes; one under way goes on.
  void begin_cycle() { cycle_.begin(); }
  bool cycle_active() const noexcept { return cycle_.active(); }
  /// Encodes the next stripes of the cycle until about `bytes` are gathered; null when the cycle
  /// is done or its next stripe still has a write under way.
  std::unique_ptr<stripe_write> next_write(std::size_t bytes);
  void committed(const stripe_write& write);

  /// Makes room where memory is pressed: lets clean records of the next stripes leave. Bounded
  /// work.
  void evict(std::size_t records_max = 16 * 1024) { eviction_.evict(records_max); }
  /// Whether memory nears its budget: records should be written, so that others may leave.
  bool pressed() const noexcept { return eviction_.pressed(); }
  /// Whether memory is above its budget: input should wait.
  bool over_budget() const noexcept { return eviction_.over_budget(); }
  /// Physically expires what no window can use any more, as far as records that were written and
  /// `allowance` pay for looking at records. True where there is more to do that is paid for.
  result<bool> sweep(std::size_t allowance = 2048);

  /// Positions, clocks and late rows, from which reading goes on after a restart.
  const shard_progress& progress() const noexcept { return progress_; }
  /// The newest event times known, from which `expired` is judged.
  std::span<const std::int64_t> max_event_times() const noexcept {
    return retained_.max_event_times();
  }
  shard_memory memory() const noexcept { return eviction_.memory(); }
  /// Records in memory and their buckets, by key space.
  const std::vector<record_pool::held>& holds() const noexcept { return pool_.holds(); }
  /// The layouts in which its records are stored.
  const layout_table& layouts() const noexcept { return layouts_; }

private:
  shard_core(schema::plan_ptr plan, shard_options options, record_reader& source);
  result<void> apply_section(const batch& b, const section& s, apply_outcome& outcome);
  /// Counts the row late where it is; true where no rule of the tiling takes it any more.
  bool too_late(const section& s, std::size_t row, const lane_step& step,
                std::size_t watermark_groups, bool& counted);

  record_reader& source_;
  // In order of construction: each uses those before it.
  table_memory table_memory_;
  record_pool pool_;
  layout_table layouts_;
  cold_records cold_;
  record_table table_;
  change_tracker changes_;
  shard_progress progress_;
  retention_horizon retained_;
  record_loader loader_;
  checkpoint_cycle cycle_;
  eviction eviction_;
  expiry_sweep sweep_;
  shard_reader reader_;
  std::vector<section_plan> section_plans_;  // by route
};

}  // namespace windrow::storage
