#include "actors/shard_access.hpp"

#include <string>
#include <thread>
#include <utility>

namespace windrow::actors {

result<void> shard_access::stage(schema::plan_ptr plan) {
  staged_.reset();
  staged_version_ = plan->catalog_version;
  auto values = store_.stripes();
  if (!values) return values.error();
  auto layouts = store_.layouts();
  if (!layouts) return layouts.error();
  storage::stored_shard stored;
  stored.layouts = std::move(*layouts);
  for (const auto& v : *values) stored.stripes[v.stripe].assign(v.value.begin(), v.value.end());
  auto core = storage::shard_core::open(std::move(plan), options_, source_, stored);
  if (!core) return core.error();
  staged_ = std::move(*core);
  return {};
}

result<void> shard_access::activate(std::uint32_t version) {
  if (!staged_ || staged_version_ != version) {
    return failure{errc::conflict, "version " + std::to_string(version) +
                                       " of the declarations is not staged in shard " +
                                       std::to_string(options_.shard)};
  }
  std::unique_ptr<storage::shard_core> before;  // freed without the lock
  {
    const std::lock_guard lock(mutex_);
    if (core_ && core_->memory().dirty > 0) {
      return failure{errc::conflict, "shard " + std::to_string(options_.shard) +
                                         " has changes that are not on disk"};
    }
    before = std::exchange(core_, std::move(staged_));
  }
  return {};
}

// A mutex alone would let the actor take it again before a woken lookup runs.
void shard_access::yield_if_requests() noexcept {
  for (int turns = 0; waiting_.load(std::memory_order_relaxed) > 0 && turns < 1000; ++turns) {
    std::this_thread::yield();
  }
}

}  // namespace windrow::actors
