#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/huge_pages.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/record.hpp"
#include "storage/record/record_codec.hpp"
#include "storage/shard/cold_records.hpp"
#include "storage/shard/record_reader.hpp"
#include "storage/shard/section_plan.hpp"
#include "storage/shard/stored_filter.hpp"
#include "storage/shard/stripe.hpp"
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

/// What a query asks of one record.
struct lookup_request {
  int key_space = schema::none;
  std::string key;
  key_hash hash;
  std::vector<int> scalars;        ///< plan.scalars
  std::vector<int> window_values;  ///< plan.window_values
  std::int64_t now = 0;            ///< microseconds
};

struct window_answer {
  result<windrow::value> value = windrow::value{};
  std::int64_t from = 0;     ///< start of the first bucket
  std::int64_t to = 0;       ///< end of the bucket that contains now
  std::uint64_t events = 0;  ///< rows that passed the filter
};

struct lookup_answer {
  std::vector<std::optional<record_pool::scalar_value>> scalars;
  std::vector<window_answer> windows;
  positions position;  ///< of the record's stripe
};

/// One bucket of an explained value.
struct explained_bucket {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::uint64_t events = 0;
  result<windrow::value> value = windrow::value{};
};

struct shard_memory {
  std::size_t records = 0;  ///< bytes of records, segments, sketches
  std::size_t table = 0;
  std::size_t dirty = 0;        ///< estimate of bytes a full checkpoint would write
  std::uint64_t in_memory = 0;  ///< records
};

/// The window state of one shard: a table of hot records by hash, in 256 stripes.
///
/// Problem: millions of rows a second must each change a record, every change must survive a
/// crash exactly once, and state may exceed memory.
///
/// Operation. `apply` folds a batch; all rows of a batch are in, or (an error) none may be
/// checkpointed any more. A record changed since its stripe's last encoding is on the stripe's
/// dirty list. `next_write` encodes the dirty records of the next stripes with the shard's
/// positions; once the caller has committed that write it calls `committed`, and only then are
/// those records clean. Clean records may leave memory; a row for one that has left reads it back
/// first, sorted by key.
///
/// Little memory. Where memory is `pressed` the caller takes the next write of a cycle, and no more
/// than that: a stripe is written when its turn comes round again, with as many changes as memory
/// has room for, since a commit costs a page of the file for nearly each record. Once it is
/// committed, the records of that stripe that were used least leave, down to a third of its share.
/// After a restart the stripes' positions differ: a row at or below its
/// stripe's position is skipped.
///
/// Concurrency: one caller at a time, any thread. No clock, no disk (see `record_reader`).
/// After `apply` has failed only lookups may follow.
class shard_core {
public:
  /// `stored` is what `source`'s storage holds besides records.
  static result<std::unique_ptr<shard_core>> open(schema::plan_ptr plan, shard_options options,
                                                  record_reader& source,
                                                  const stored_shard& stored);
  ~shard_core();

  result<apply_outcome> apply(const batch& b);

  result<lookup_answer> lookup(const lookup_request& request);
  /// The buckets behind one window value, oldest first.
  result<std::vector<explained_bucket>> explain(const lookup_request& request);

  /// Begins a checkpoint cycle over all stripes; one under way goes on.
  void begin_cycle();
  bool cycle_active() const noexcept { return cycle_next_ < stripe_count; }
  /// Encodes the next stripes of the cycle until about `bytes` are gathered; null when the cycle
  /// is done or its next stripe still has a write under way.
  std::unique_ptr<stripe_write> next_write(std::size_t bytes);
  void committed(const stripe_write& write);

  /// Makes room where memory is pressed: lets clean records of the next stripes leave. Bounded
  /// work.
  void evict(std::size_t records_max = 16 * 1024);
  /// Whether memory nears its budget: records should be written, so that others may leave.
  bool pressed() const noexcept;
  /// Whether memory is above its budget: input should wait.
  bool over_budget() const noexcept;
  /// Physically expires what no window can use any more: looks at some thousand records of stripes
  /// that are due, as far as paid for. Each record written pays for two looks, so that what has
  /// expired stays below what is alive however fast groups come and go, and `allowance` for more,
  /// for when little is written. True where there is more to do that is paid for.
  result<bool> sweep(std::size_t allowance = 2048);

  /// Per source partition: the smallest position of any stripe, from where to replay.
  positions resume_positions() const;
  /// The same of one partition; 0 if nothing of it is applied.
  sequence resume_position(partition_id partition) const;
  /// The partition's own clocks at its smallest position, by watermark group of the plan: with them
  /// ingest judges what is late as it did the first time, whatever other partitions have brought.
  std::vector<std::int64_t> resume_clocks(partition_id partition) const;
  /// The newest event times known, from which `expired` is judged.
  std::span<const std::int64_t> max_event_times() const noexcept { return max_event_times_; }
  /// Late rows per plan rule, over all stripes.
  const std::vector<std::uint64_t>& late_by_rule() const noexcept { return late_; }
  shard_memory memory() const noexcept;
  /// Records in memory and their buckets, by key space.
  const std::vector<record_pool::held>& holds() const noexcept { return pool_.holds(); }
  std::vector<stripe_state> stripe_states() const;
  /// The layouts in which its records are stored.
  const layout_table& layouts() const noexcept { return layouts_; }

  /// Visits every record, in memory or stored, in no order; the record is valid in the call.
  result<void> for_each_record(const std::function<void(const record_pool&, record&)>& visit);

private:
  static constexpr std::uint32_t first_slots = 64;
  static constexpr std::size_t pages_part = 16;  // of the budget, for the pages of a commit

  using slot = stripe::slot;

  shard_core(schema::plan_ptr plan, shard_options options, record_reader& source);
  result<void> load_missing(const batch& b);
  result<void> load_stripe(std::uint32_t index);
  result<void> load_all(std::span<const key_hash> sorted);
  result<void> fill_filter(std::uint32_t index);
  bool known_absent(const stripe& st, const key_hash& hash) const noexcept;
  /// The record of a row: found, read, or made.
  result<slot*> record_of(stripe& st, const key_hash& hash, int key_space, std::string_view key);
  /// Puts a record that was read into the table.
  void take_in(const key_hash& hash, const decoded_head& read);
  result<void> apply_section(const batch& b, const section& s, apply_outcome& outcome);
  bool replaying(const batch& b) const;
  bool already_applied(const batch& b, const section& s, std::size_t row) const;
  /// Counts the row late where it is; true where no rule of the tiling takes it any more.
  bool too_late(stripe& st, const section& s, std::size_t row, const lane_step& step,
                std::size_t watermark_groups, std::int64_t index, bool& counted);

  slot* find(stripe& st, const key_hash& hash, int key_space, std::string_view key) const noexcept;
  const record* likely(std::uint64_t hi) const noexcept;
  slot* insert(stripe& st, std::uint64_t hi, record* r);
  void remove(stripe& st, std::uint32_t index);
  void resize(stripe& st, std::uint32_t slots);
  void touch(stripe& st, std::uint64_t hi, record* r);
  bool clean(const stripe& st, const record* r) const noexcept {
    if (fault_injected(failpoint::encoded_is_clean)) return r->generation < st.generation;
    return r->generation <= st.committed;
  }

  /// The record of a request: in memory, or read for the occasion (then `owner` frees it).
  result<record*> record_for(const lookup_request& request,
                             std::unique_ptr<record, std::function<void(record*)>>& owner);
  window_answer answer_window(record* r, int window_value, std::int64_t now, tile_total& total,
                              int& total_of, std::int64_t& total_window);
  std::optional<failure> expired(const schema::rule& rule, std::int64_t from_end) const;
  positions position_of(const stripe& st) const;
  source_progress progress_of(const stripe& st) const;

  void encode_stripe_into(stripe& st, std::uint32_t index, stripe_write& out);
  void encode_record(std::uint64_t hi, record* r, stripe_write& out);
  /// Whether a record holds nothing (what has expired beyond reach is lost when it is read) and may
  /// still be stored.
  bool to_be_deleted(const record& r) const noexcept {
    return !(r.flags & record::dead) && pool_.empty(r);
  }
  void evict_from(stripe& st, std::size_t target);
  void leave_complete(stripe& st);
  bool nearly_pressed() const noexcept;
  std::size_t stripe_target() const noexcept;
  std::size_t pages_of(const stripe_write& write) const noexcept;
  void earn_sweep(std::size_t looks) noexcept;
  bool sweep_due(const stripe& st, std::int64_t max_event_time) const noexcept;
  bool drop_expired(record*& r);
  void sweep_memory(stripe& st);
  result<void> sweep_stored(std::uint32_t index, std::int64_t values_max);
  void update_keep();
  std::size_t used_bytes() const noexcept;
  std::size_t other_bytes() const noexcept;
  std::int64_t overall_max_event_time() const noexcept;

  schema::plan_ptr plan_;
  shard_options options_;
  std::size_t budget_;  // without LMDB's pages
  record_reader& source_;
  record_pool pool_;
  layout_table layouts_;
  cold_records cold_;
  table_memory table_;
  std::array<stripe, stripe_count> stripes_;
  std::vector<section_plan> section_plans_;    // by route
  source_progress applied_;                    // every stripe's, unless it recovered a later one
  source_progress recovered_most_;             // the furthest that any stripe recovered
  std::vector<std::int64_t> max_event_times_;  // by watermark group: told by batches, or recovered
  std::vector<std::uint64_t> late_;            // rows by plan rule, of all stripes
  std::vector<std::vector<std::int64_t>> keep_;  // [key space][lane]: first bucket kept
  std::int64_t sweep_every_ = 0;                 // of event time: a quarter of the least retention
  std::int64_t sweep_credit_ = 0;                // records that may be looked at
  std::int64_t sweep_max_event_time_ = 0;        // when the sweep of `sweep_stripe_` began
  std::optional<storage_key> sweep_from_;        // stored records from there on are to be swept
  std::uint32_t cycle_next_ = stripe_count;
  std::uint32_t hand_stripe_ = 0;
  std::uint32_t sweep_stripe_ = 0;
  std::size_t incomplete_ = 0;  // stripes with records only in storage
  std::size_t dirty_bytes_ = 0;
  std::size_t dirty_records_ = 0;
  std::size_t in_flight_bytes_ = 0;
  std::uint64_t in_memory_ = 0;
  stored_filter filter_;           // of stripes that say so
  std::vector<key_hash> missing_;  // of the batch: to be read
  std::vector<key_hash> absent_;   // of the batch: looked for, not stored; sorted
  std::size_t stored_bytes_ = 0;   // measured at times, and what was written since
  std::uint64_t batches_ = 0;
};

}  // namespace windrow::storage
