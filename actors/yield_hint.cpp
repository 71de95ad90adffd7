#include "actors/yield_hint.hpp"

#include <thread>
#include <utility>

#include "base/low_latency_thread.hpp"

namespace windrow::actors {

namespace {

// After a question: a client that waits for a core cannot ask the next one.
constexpr int turns_after_question = 32;

}  // namespace

void yield_hint::yield_if_requests(std::uint64_t& seen) const noexcept {
  // Who gives way loses the rest of its slice. With a long one that was a third of ingest.
  thread_local const low_latency_thread short_slices;
  thread_local int turns = 0;
  const std::uint64_t now = requests_.load(std::memory_order_relaxed);
  if (std::exchange(seen, now) != now) turns = turns_after_question;
  if (turns == 0) return;
  --turns;
  std::this_thread::yield();
}

}  // namespace windrow::actors
