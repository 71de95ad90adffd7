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
        request_stage(q);
        return promise;
      },
  };
}

void querier::request_stage(const std::shared_ptr<running>& q) {
  auto stage = q->core->next_stage();
  if (stage.empty()) {
    q->promise.deliver(query_done{});
    return;
  }
  q->waiting = stage.size();
  for (query::shard_request& asked : stage) {
    self_
        ->request<caf::message_priority::high>(settings_.shards[asked.shard], settings_.deadline,
                                               shard_lookup{asked.requests})
        .then(
            [this, q, asked](const shard_rows& rows) {
              q->core->answered(asked, *rows.answers);
              got(q);
            },
            [this, q, asked](const caf::error&) {
              q->core->unanswered(asked, {errc::timeout, "shard " + std::to_string(asked.shard) +
                                                             " did not answer in time"});
              got(q);
            });
  }
}

void querier::got(const std::shared_ptr<running>& q) {
  if (--q->waiting == 0) request_stage(q);
}

query_actor::behavior_type make_query(query_actor::stateful_pointer<actor_slot<querier>> self,
                                      query_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
