#pragma once

#include <vector>

#include <caf/typed_event_based_actor.hpp>

#include "actors/actor_slot.hpp"
#include "actors/interfaces.hpp"
#include "storage/dedup/dedup_index.hpp"
#include "storage/journal/journal.hpp"
#include "storage/shard/shard_store.hpp"

namespace windrow::actors {

struct writer_settings {
  std::uint64_t folder_seed = 0;
  storage::journal* journal = nullptr;        ///< outlives the actor
  storage::dedup_index* dedup = nullptr;      ///< null: no deduplication; outlives the actor
  std::vector<storage::shard_store*> stores;  ///< by shard; outlive the actor
};

/// Commits encoded stripes: sorts and checksums them, makes waiting dead letters and ids durable,
/// then one transaction. Spawned detached, because it waits for the disk.
class writer {
public:
  static inline constexpr const char* name = "writer";

  writer(writer_actor::pointer, writer_settings settings) : settings_(std::move(settings)) {}

  writer_actor::behavior_type make_behavior();

private:
  result<void> commit(const commit_write& message);

  writer_settings settings_;
};

writer_actor::behavior_type make_writer(writer_actor::stateful_pointer<actor_slot<writer>> self,
                                        writer_settings settings);

}  // namespace windrow::actors
