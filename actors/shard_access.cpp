#include "actors/shard_access.hpp"

#include <string>
#include <thread>
#include <utility>

namespace windrow::actors {

result<void> shard_access::open(schema::plan_ptr plan) {
  auto values = store_.stripes();
  if (!values) return values.error();
  auto layouts = store_.layouts();
  if (!layouts) return layouts.error();
  storage::stored_shard stored;
  stored.layouts = std::move(*layouts);
  for (const auto& v : *values) stored.stripes[v.stripe].assign(v.value.begin(), v.value.end());
  auto core = storage::shard_core::open(std::move(plan), options_, source_, stored);
  if (!core) return core.error();
  std::lock_guard lock(mutex_);
  core_ = std::move(*core);
  return {};
}

// A mutex alone would let the actor take it again before a woken lookup runs.
void shard_access::yield_if_requests() noexcept {
  for (int turns = 0; waiting_.load(std::memory_order_relaxed) > 0 && turns < 1000; ++turns) {
    std::this_thread::yield();
  }
}

}  // namespace windrow::actors
