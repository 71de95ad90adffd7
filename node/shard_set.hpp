#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/shard_access.hpp"
#include "actors/shard_metrics.hpp"
#include "storage/folder/folder.hpp"
#include "storage/shard/shard_core.hpp"
#include "storage/shard/shard_store.hpp"
#include "windrow/result.hpp"

namespace windrow::node {

/// The shards that this process holds: their files, the right to use their cores, and what they
/// measure of themselves. Whoever asks for a position asks all of them.
///
/// Concurrency: any thread, once the cores are open (`actors::stage_catalog`); what asks cores
/// goes ahead of their next batches. Ownership: outlives the actors that use it.
class shard_set {
public:
  /// Opens the files of every shard. `memory` is the budget of each, in bytes.
  static result<std::unique_ptr<shard_set>> open(const storage::folder& folder, std::size_t memory);

  /// Moves every file on by one transaction: see `storage::note_versions`.
  result<void> begin_session();

  std::size_t size() const noexcept { return shards_.size(); }
  const std::shared_ptr<actors::shard_access>& access(std::size_t shard) const {
    return shards_[shard].access;
  }
  const std::shared_ptr<actors::shard_metrics>& metrics(std::size_t shard) const {
    return shards_[shard].metrics;
  }
  storage::shard_store& store(std::size_t shard) const { return *shards_[shard].store; }

  /// Every shard has applied a partition up to here; 0 if one has nothing of it.
  storage::sequence resume_position(storage::partition_id partition) const;
  /// No stripe of any shard has applied a partition beyond this.
  storage::sequence largest_position(storage::partition_id partition) const;
  /// The partition's own newest event times at the position that every shard has, one per watermark
  /// group of the plan.
  std::vector<std::int64_t> resume_clocks(storage::partition_id partition) const;

private:
  struct local_shard {
    std::unique_ptr<storage::shard_store> store;
    std::shared_ptr<actors::shard_access> access;
    std::shared_ptr<actors::shard_metrics> metrics;
  };
  std::vector<local_shard> shards_;
};

}  // namespace windrow::node
