#pragma once

#include <chrono>
#include <memory>

#include <caf/response_promise.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/actor_slot.hpp"
#include "actors/interfaces.hpp"
#include "sources/input.hpp"

namespace windrow::actors {

struct source_settings {
  std::shared_ptr<sources::input> in;
  /// Between looks where there was nothing; none for an input that waits for more by itself.
  std::chrono::milliseconds poll{20};
};

/// Reads an input when asked. Spawned detached, because reading blocks.
class source_reader {
public:
  static inline constexpr const char* name = "source";

  source_reader(source_actor::pointer self, source_settings settings)
      : self_(self), settings_(std::move(settings)) {}

  source_actor::behavior_type make_behavior();

private:
  void read();

  source_actor::pointer self_;
  source_settings settings_;
  caf::typed_response_promise<source_read> promise_;  // of the request that waits
};

source_actor::behavior_type make_source(
    source_actor::stateful_pointer<actor_slot<source_reader>> self, source_settings settings);

}  // namespace windrow::actors
