#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/actor_slot.hpp"
#include "actors/interfaces.hpp"
#include "actors/rollout.hpp"

namespace windrow::actors {

struct coordinator_settings {
  std::vector<shard_actor> shards;
  ingest_actor ingest;
  /// Of each step, for each participant: opening a large shard reads its stripes.
  std::chrono::milliseconds deadline{60'000};
};

/// Brings a catalog version to every shard and to ingest: staged everywhere, then active. A
/// participant that does not answer in time ends it: `timeout`, with its name. Decisions live in
/// `rollout`.
class coordinator {
public:
  static inline constexpr const char* name = "coordinator";

  coordinator(coordinator_actor::pointer self, coordinator_settings settings)
      : self_(self), settings_(std::move(settings)) {}

  coordinator_actor::behavior_type make_behavior();

private:
  template <class Message>
  void send_to_all(const Message& message);
  void answered(std::size_t participant, const catalog_ready& ready);
  failure silent(std::size_t participant) const;

  coordinator_actor::pointer self_;
  coordinator_settings settings_;
  rollout rollout_;
  std::uint32_t version_ = 0;
  caf::typed_response_promise<catalog_ready> promise_;
};

coordinator_actor::behavior_type make_coordinator(
    coordinator_actor::stateful_pointer<actor_slot<coordinator>> self,
    coordinator_settings settings);

}  // namespace windrow::actors
