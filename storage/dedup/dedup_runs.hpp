#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "storage/dedup/memtable.hpp"
#include "storage/dedup/sorted_runs.hpp"

namespace windrow::storage {

/// The sorted runs that there are, with what finds an id in each, and which of them are due to be
/// merged or forgotten. Guarded by its owner.
class dedup_runs {
public:
  using run_ptr = std::shared_ptr<const sorted_run>;

  /// Runs of up to `table_ids` are of the lowest level; filters take `filter_bytes_max` together.
  dedup_runs(dedup_files& files, lmdb::environment& file, std::size_t table_ids,
             std::size_t filter_bytes_max)
      : files_(files), table_ids_(table_ids), filter_bytes_max_(filter_bytes_max), reader_(file) {}

  /// Reads which runs there are.
  result<void> load_list(const lmdb::read_transaction& txn);
  /// Reads the runs themselves, once, for their filters: when ids are first asked for.
  result<void> load();
  bool loaded() const noexcept { return loaded_; }
  bool has(std::uint64_t number) const;
  /// Of every run, loaded or not.
  std::vector<std::uint64_t> numbers() const;

  /// An id of a question (its index) that a run holds.
  struct found_id {
    std::uint32_t question = 0;
    dedup_id seen;
  };
  /// What the runs hold of ids, in order of the questions; valid until the next call. Requires
  /// `load`.
  result<std::span<const found_id>> look_up(std::span<const key_hash> questions);

  void add(run_ptr run) { runs_.push_back(std::move(run)); }
  /// Puts a run, or nothing (null), in the place of others.
  void replace(std::span<const run_ptr> old, run_ptr made);
  /// Eight runs of one level, or none.
  std::vector<run_ptr> due_for_merge() const;
  /// A run of which nothing is kept; null if there is none.
  run_ptr forgotten(const dedup_limits& limits) const;
  /// An empty filter for that many ids; half of the room left is for runs to come.
  id_filter filter_for(std::uint64_t ids) const;

  std::uint64_t count() const noexcept { return listed_.size() + runs_.size(); }
  std::uint64_t ids() const noexcept;
  std::size_t memory_bytes() const noexcept;

private:
  unsigned level_of(std::uint64_t ids) const noexcept;

  dedup_files& files_;
  const std::size_t table_ids_;
  const std::size_t filter_bytes_max_;
  bool loaded_ = false;
  std::vector<run_ptr> runs_;             // oldest first
  std::vector<sorted_run_entry> listed_;  // until they are loaded
  lmdb::read_transaction reader_;
  std::vector<found_id> found_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> probes_;
};

}  // namespace windrow::storage
