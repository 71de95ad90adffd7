#include "actors/writer.hpp"

#include "base/fault_injection.hpp"
#include "storage/shard/stripe_write.hpp"

namespace windrow::actors {

writer_actor::behavior_type writer::make_behavior() {
  return {
      [this](const commit_write& message) {
        write_committed answer;
        if (auto done = commit(message); !done) answer.failed = done.error();
        return answer;
      },
  };
}

// A position must not become durable before the dead letters and the ids below it are.
result<void> writer::commit(const commit_write& message) {
  message.write->seal(settings_.folder_seed);
  if (!fault_injected(failpoint::dead_letters_last))
    if (auto flushed = settings_.journal->dead_letters().flush(); !flushed) return flushed;
  if (settings_.dedup != nullptr)
    if (auto flushed = settings_.dedup->flush(); !flushed) return flushed;
  return storage::commit(*settings_.stores[message.shard], *message.write);
}

writer_actor::behavior_type make_writer(writer_actor::stateful_pointer<actor_slot<writer>> self,
                                        writer_settings settings) {
  return self->state.impl.emplace(self, std::move(settings)).make_behavior();
}

}  // namespace windrow::actors
