#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "storage/dedup/dedup_runs.hpp"
#include "storage/dedup/dedup_tables.hpp"
#include "storage/dedup/dedup_tracks.hpp"

namespace windrow::storage {

/// What deciding and compaction share.
struct dedup_state {
  dedup_state(lmdb::environment& environment, std::size_t write_pages,
              std::span<const dedup_stream_rule> rules, std::size_t table_ids,
              std::size_t filter_bytes_max)
      : file(environment),
        files(environment, write_pages),
        tracks(rules),
        tables(table_ids),
        runs(files, environment, table_ids, filter_bytes_max) {}

  lmdb::environment& file;
  dedup_files files;
  std::mutex flush_mutex;    ///< one at a time makes tracks durable; before `mutex`
  mutable std::mutex mutex;  ///< guards what follows
  std::condition_variable changed;
  std::optional<failure> failed;  ///< of the thread
  dedup_tracks tracks;
  dedup_tables tables;
  dedup_runs runs;
  std::uint64_t flushes = 0;
};

/// Makes runs of full tables, merges runs by size, and leaves out what is forgotten. On a thread
/// of its own, or on the caller's.
class dedup_compaction {
public:
  explicit dedup_compaction(dedup_state& state) : state_(state) {}
  ~dedup_compaction();

  void start();
  bool has_thread() const noexcept { return thread_.joinable(); }
  /// Does what is due. The thread's work; for those without one.
  result<void> tidy();

private:
  void work();
  bool work_due() const;
  result<bool> work_once();
  result<void> erase_strays(std::vector<std::uint64_t> runs);
  result<void> write_table(const dedup_tables::full_table& full);
  result<void> enter_table(const dedup_tables::full_table& full, const dedup_runs::run_ptr& run);
  result<void> write_waiting_table();
  result<void> merge(const std::vector<dedup_runs::run_ptr>& runs);
  result<void> replace(const std::vector<dedup_runs::run_ptr>& old, dedup_runs::run_ptr made);

  dedup_state& state_;
  std::atomic<bool> stop_{false};
  bool strays_looked_for_ = false;  // guarded by the state's mutex
  std::thread thread_;
};

}  // namespace windrow::storage
