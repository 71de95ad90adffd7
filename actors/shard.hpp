#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/actor_slot.hpp"
#include "actors/interfaces.hpp"
#include "actors/shard_access.hpp"
#include "actors/shard_metrics.hpp"
#include "actors/yield_hint.hpp"

namespace windrow::actors {

struct shard_settings {
  std::shared_ptr<shard_access> access;
  writer_actor writer;
  std::shared_ptr<const yield_hint> requests = std::make_shared<yield_hint>();
  std::chrono::milliseconds checkpoint_interval{10'000};
  /// Never write: the folder is only looked at.
  bool read_only = false;
  /// Called when a batch of this partition is folded.
  std::function<void(storage::partition_id)> applied;
  /// Called when a cycle of checkpoints that began at these positions is on disk.
  std::function<void(std::uint32_t shard, const storage::positions&)> durable;
  /// Called once, when the shard can no longer fold or write.
  std::function<void(const failure&)> failed;
  std::shared_ptr<shard_metrics> metrics;
};

/// Puts one shard behind messages: folds batches in order, walks checkpoints between them, and
/// gives their credit back when memory allows. Decisions live in `storage::shard_core`.
class shard {
public:
  static inline constexpr const char* name = "shard";

  shard(shard_actor::pointer self, shard_settings settings);

  shard_actor::behavior_type make_behavior();

private:
  caf::result<batch_applied> on_apply(const apply_batch& message);
  shard_rows on_lookup(const shard_lookup& message);
  catalog_ready on_stage(const stage_catalog& message);
  catalog_ready on_activate(const activate_catalog& message);
  caf::result<checkpoint_done> on_checkpoint();
  void on_maintenance();

  void sweep(std::size_t allowance);
  void advance();
  void write(std::shared_ptr<storage::stripe_write> w);
  void on_written(const std::shared_ptr<storage::stripe_write>& w,
                  const std::optional<failure>& why);
  void cycle_finished();
  void release_waiting();
  void fail(const failure& why);

  struct waiting_batch {
    caf::typed_response_promise<batch_applied> promise;
    batch_applied answer;
  };

  shard_actor::pointer self_;
  shard_settings settings_;
  std::uint64_t requests_seen_ = 0;
  const std::size_t write_bytes_;  // of records in one transaction
  std::optional<failure> failure_;
  std::vector<waiting_batch> waiting_;  // applied, their credit held back: memory is short
  std::vector<caf::typed_response_promise<checkpoint_done>> checkpoints_;
  bool again_ = false;  // a checkpoint was asked for during a cycle
  bool cycle_ = false;
  bool hurried_ = false;  // the cycle is due, not only for want of memory
  int writes_under_way_ = 0;
  storage::positions cycle_positions_;
  std::chrono::steady_clock::time_point next_cycle_;
  std::chrono::steady_clock::time_point cycle_began_;
};

shard_actor::behavior_type make_shard(shard_actor::stateful_pointer<actor_slot<shard>> self,
                                      shard_settings settings);

}  // namespace windrow::actors
