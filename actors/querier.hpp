#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/actor_slot.hpp"
#include "actors/interfaces.hpp"
#include "query/query_core.hpp"

namespace windrow::actors {

struct query_settings {
  std::vector<shard_actor> shards;
  std::chrono::milliseconds deadline{10'000};
};

/// Fans queries out: one request per shard and stage, ahead of queued batches, all shards at once.
/// Decisions live in `query_core`.
class querier {
public:
  static inline constexpr const char* name = "query";

  querier(query_actor::pointer self, query_settings settings)
      : self_(self), settings_(std::move(settings)) {}

  query_actor::behavior_type make_behavior();

private:
  struct running {
    std::shared_ptr<query::query_core> core;
    caf::typed_response_promise<query_done> promise;
    std::size_t waiting = 0;
  };

  void request_stage(const std::shared_ptr<running>& q);
  void got(const std::shared_ptr<running>& q);

  query_actor::pointer self_;
  query_settings settings_;
};

query_actor::behavior_type make_query(query_actor::stateful_pointer<actor_slot<querier>> self,
                                      query_settings settings);

}  // namespace windrow::actors
