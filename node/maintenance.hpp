#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/journal/journal.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {
class dedup_index;
}

namespace windrow::node {

class run_state;
class source_manager;

/// What may wait for the disk, away from the shards' own threads: forgets what every shard has on
/// disk, and looks for partitions that are new. A thread of its own, from `start` to `stop`.
///
/// `durable` and `found_partitions` are for any thread. Everything it is made of outlives it.
class maintenance {
public:
  struct parts {
    storage::journal& journal;
    storage::dedup_index* dedup = nullptr;  ///< null: no stream declares deduplication
    source_manager& sources;
    run_state& state;
    storage::partition_id pushes = 0;  ///< the journal's own partition
    std::size_t shards = 0;
  };
  explicit maintenance(parts p) : parts_(p), durable_(p.shards) {}
  ~maintenance() { stop(); }

  void start();
  /// Ends the thread; then, unless the folder is only looked at, forgets once more what the last
  /// cycle of checkpoints has brought to disk. A failure of that is the next start's to find.
  void stop();

  /// A shard has on disk what it had applied at these positions.
  void durable(std::uint32_t shard, const storage::positions& at);
  /// There may be partitions that are new: they are looked for at once.
  void found_partitions();

private:
  void run();
  result<void> forget(const std::vector<storage::positions>& committed);

  const parts parts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<storage::positions> durable_;  // by shard; guarded, like the next three
  bool trim_due_ = false;
  bool discovery_due_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace windrow::node
