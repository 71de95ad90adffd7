#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "storage/shard/shard_core.hpp"
#include "storage/shard/shard_store.hpp"
#include "storage/shard/stored_records.hpp"

namespace windrow::actors {

/// One shard's core and the right to use it.
///
/// The shard's actor owns the core and is the only one that changes it. Lookups need not queue
/// behind its batches, nor wake a thread: they use the core on the caller's own thread
/// and go ahead of the next batch. (A request and answer through a mailbox was measured at 0.9 ms
/// from a thread outside the actor system with two busy cores; on the caller's thread it takes
/// microseconds.)
///
/// Concurrency: any thread; one at a time inside. The actor lets waiting lookups go first.
class shard_access {
public:
  /// `store` outlives this object.
  shard_access(storage::shard_options options, storage::shard_store& store)
      : options_(options), store_(store), source_(store) {}

  // The two steps of `rollout`. The shard's actor takes them, one after the other.

  /// Opens a core for a plan beside the one in use, from what is stored. Nothing that runs changes;
  /// what was staged before is given up.
  result<void> stage(schema::plan_ptr plan);
  /// Uses the staged core from now on; `conflict`, and all stays as it is, if none is staged for
  /// that version or the one in use has changes that are not stored.
  result<void> activate(std::uint32_t version);
  /// Whether a core is in use: nothing may be run before.
  bool is_open() const noexcept { return core_ != nullptr; }

  storage::shard_store& store() noexcept { return store_; }
  std::uint64_t folder_seed() const noexcept { return options_.folder_seed; }
  std::uint32_t shard() const noexcept { return options_.shard; }
  std::size_t memory_budget() const noexcept { return options_.memory_budget; }

  /// Runs `use(core)` for the shard's actor, after lookups that wait. Requires an active core.
  template <class F>
  auto exclusive(F&& use) {
    yield_if_requests();
    std::lock_guard lock(mutex_);
    return use(*core_);
  }

  /// Runs `use(core)` ahead of the actor's next turn. Requires an active core.
  template <class F>
  auto priority(F&& use) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return use(*core_);
  }

private:
  void yield_if_requests() noexcept;

  const storage::shard_options options_;
  storage::shard_store& store_;
  storage::stored_records source_;
  std::mutex mutex_;
  std::atomic<int> waiting_{0};
  std::unique_ptr<storage::shard_core> core_;
  // Of the shard's actor alone.
  std::unique_ptr<storage::shard_core> staged_;
  std::uint32_t staged_version_ = 0;
};

}  // namespace windrow::actors
