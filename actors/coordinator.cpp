#include "actors/coordinator.hpp"

namespace windrow::actors {

coordinator_actor::behavior_type coordinator::make_behavior() {
  return {
      [this](const stage_catalog& message) -> caf::result<catalog_ready> {
        version_ = message.plan->catalog_version;
        if (!rollout_.begin(version_, settings_.shards.size() + 1)) {
          return catalog_ready{
              version_, failure{errc::mismatch, "catalog version " + std::to_string(version_) +
                                                    " cannot follow version " +
                                                    std::to_string(rollout_.active())}};
        }
        promise_ = self_->make_response_promise<catalog_ready>();
        send_to_all(message);
        return promise_;
      },
  };
}

template <class Message>
void coordinator::send_to_all(const Message& message) {
  const auto ask = [&](std::size_t participant, const auto& who) {
    self_->request(who, settings_.deadline, message)
        .then([this, participant](const catalog_ready& ready) { answered(participant, ready); },
              [this, participant](const caf::error&) {
                answered(participant, {version_, silent(participant)});
              });
  };
  for (std::size_t i = 0; i < settings_.shards.size(); ++i) ask(i, settings_.shards[i]);
  ask(settings_.shards.size(), settings_.ingest);
}

failure coordinator::silent(std::size_t participant) const {
  const std::string who = participant < settings_.shards.size()
                              ? "shard " + std::to_string(participant)
                              : std::string("ingest");
  return {errc::timeout, who + " did not answer in time: version " + std::to_string(version_) +
                             " of the declarations is not in use"};
}

void coordinator::answered(std::size_t participant, const catalog_ready& ready) {
  switch (rollout_.answered(participant, ready.version, ready.failed)) {
    case rollout::step::wait:
      break;
    case rollout::step::activate_all:
      send_to_all(activate_catalog{version_});
      break;
    case rollout::step::finished:
      promise_.deliver(catalog_ready{version_, {}});
      break;
    case rollout::step::failed:
      promise_.deliver(catalog_ready{version_, rollout_.why()});
      break;
  }
}

coordinator_actor::behavior_type make_coordinator(
    coordinator_actor::stateful_pointer<actor_slot<coordinator>> self,
    coordinator_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
