#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "storage/dedup/dedup_tracks.hpp"
#include "storage/dedup/memtable.hpp"
#include "storage/dedup/sorted_runs.hpp"

namespace windrow::storage {

/// The ids that are in memory, in tables: the one that takes new ones, and full ones that wait to
/// become runs. What is flushed of them is in the log. Guarded by its owner.
class dedup_tables {
public:
  using table_ptr = std::shared_ptr<dedup_memtable>;
  /// A full table and what had been decided when it was full: empty if all of it is durable.
  struct full_table {
    table_ptr table;
    std::vector<dedup_tracks::track> tracks;
  };
  /// Ids of a table that are not in the log; a table does not move what it holds.
  struct unflushed {
    table_ptr table;
    std::span<const dedup_id> ids;
    std::uint32_t chunks = 0;  ///< of the table's log; afterwards once they are written
  };

  explicit dedup_tables(std::size_t table_ids) : table_ids_(table_ids) {}
  /// `is_run`: whether a table of that number has become a run. Then its log is what a crash left.
  result<void> load(const dedup_files& files, const lmdb::read_transaction& txn,
                    const std::function<bool(std::uint64_t)>& is_run);

  /// The next number of a table or a run.
  std::uint64_t take_number() noexcept { return next_number_++; }
  void note_number(std::uint64_t used) noexcept;
  std::size_t table_ids() const noexcept { return table_ids_; }

  dedup_memtable& active() noexcept { return *active_; }
  /// Puts the table aside, with what is decided, and begins one that may hold `count` more.
  void begin_another(std::size_t count, std::vector<dedup_tracks::track> decided);
  const std::vector<full_table>& full() const noexcept { return full_; }
  /// The oldest full table has become a run.
  void oldest_is_run() { full_.erase(full_.begin()); }
  template <class Visit>
  void each(Visit&& visit) const {
    for (const full_table& one : full_) visit(*one.table);
    visit(*active_);
  }

  std::vector<unflushed> not_flushed() const;
  static void flushed(std::span<const unflushed> parts);

  /// A log whose table is a run, to be erased.
  std::optional<std::uint64_t> left_log() const;
  void left_log_erased() { left_logs_.pop_back(); }

private:
  const std::size_t table_ids_;
  std::uint64_t next_number_ = 1;
  table_ptr active_;
  std::vector<full_table> full_;  // oldest first
  std::vector<std::uint64_t> left_logs_;
};

}  // namespace windrow::storage
