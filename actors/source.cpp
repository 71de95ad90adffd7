#include "actors/source.hpp"

namespace windrow::actors {

source_actor::behavior_type source_reader::make_behavior() {
  return {
      [this](read_next) -> caf::result<source_read> {
        promise_ = self_->make_response_promise<source_read>();
        auto promise = promise_;
        read();
        return promise;
      },
      [this](poll_again) { read(); },
  };
}

void source_reader::read() {
  auto step = settings_.in->next();
  source_read answer;
  if (!step) {
    answer.failed = step.error();
  } else if (step->what == sources::source_step::kind::nothing) {
    if (settings_.poll.count() > 0)
      self_->delayed_send(self_, settings_.poll, poll_again{});
    else
      self_->send(self_, poll_again{});
    return;
  } else {
    answer.step = *std::move(step);
  }
  promise_.deliver(std::move(answer));
}

source_actor::behavior_type make_source(
    source_actor::stateful_pointer<actor_slot<source_reader>> self, source_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
