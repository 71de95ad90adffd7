#include "actors/querier.hpp"

#include <caf/message_priority.hpp>

namespace windrow::actors {

query_actor::behavior_type querier::make_behavior() {
  return {
      [this](const run_query& message) -> caf::result<query_done> {
        auto q = std::make_shared<running>();
        q->core = message.core;
        q->promise = self_->make_response_promise<query_done>();
        auto promise = q->promise;
        ask_round(q);
        return promise;
      },
  };
}

void querier::ask_round(const std::shared_ptr<running>& q) {
  auto asks = q->core->next_round();
  if (asks.empty()) {
    q->promise.deliver(query_done{});
    return;
  }
  q->waiting = asks.size();
  for (query::query_core::ask& a : asks) {
    self_
        ->request<caf::message_priority::high>(settings_.shards[a.shard], settings_.deadline,
                                               shard_lookup{a.requests})
        .then(
            [this, q, a](const shard_rows& rows) {
              q->core->answered(a, *rows.answers);
              got(q);
            },
            [this, q, a](const caf::error&) {
              q->core->unanswered(a, {errc::timeout, "shard " + std::to_string(a.shard) +
                                                         " did not answer in time"});
              got(q);
            });
  }
}

void querier::got(const std::shared_ptr<running>& q) {
  if (--q->waiting == 0) ask_round(q);
}

query_actor::behavior_type make_query(query_actor::stateful_pointer<actor_slot<querier>> self,
                                      query_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
