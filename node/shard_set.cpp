#include "node/shard_set.hpp"

#include <algorithm>

namespace windrow::node {

result<std::unique_ptr<shard_set>> shard_set::open(const storage::folder& folder,
                                                   std::size_t memory) {
  auto out = std::make_unique<shard_set>();
  for (std::uint32_t s = 0; s < folder.meta().shard_count; ++s) {
    auto store = storage::shard_store::open(folder.shard_options(s));
    if (!store) return store.error();
    local_shard& shard = out->shards_.emplace_back();
    shard.store = std::move(*store);
    storage::shard_options options;
    options.shard = s;
    options.folder_seed = folder.meta().hash_seed;
    options.memory_budget = memory;
    shard.access = std::make_shared<actors::shard_access>(options, *shard.store);
    shard.metrics = std::make_shared<actors::shard_metrics>();
  }
  return out;
}

result<void> shard_set::begin_session() {
  for (local_shard& shard : shards_) {
    if (auto begun = shard.store->begin_session(); !begun) return begun;
  }
  return {};
}

storage::sequence shard_set::resume_position(storage::partition_id partition) const {
  storage::sequence least = ~storage::sequence{0};
  for (const local_shard& shard : shards_) {
    least = std::min(least, shard.access->priority([&](const storage::shard_core& core) {
      return core.progress().resume_position(partition);
    }));
  }
  return least;
}

storage::sequence shard_set::largest_position(storage::partition_id partition) const {
  storage::sequence largest = 0;
  for (const local_shard& shard : shards_) {
    for (const auto& state :
         shard.access->priority([](const auto& core) { return core.progress().states(); })) {
      if (const auto* at = state.sources.find(partition)) largest = std::max(largest, at->at);
    }
  }
  return largest;
}

std::vector<std::int64_t> shard_set::resume_clocks(storage::partition_id partition) const {
  const auto of = [&](const local_shard& shard) {
    return shard.access->priority(
        [&](const auto& core) { return core.progress().resume_clocks(partition); });
  };
  std::vector<std::int64_t> clocks = of(shards_.front());
  for (const local_shard& shard : shards_) {
    const auto mine = of(shard);
    for (std::size_t i = 0; i < clocks.size(); ++i) clocks[i] = std::min(clocks[i], mine[i]);
  }
  return clocks;
}

}  // namespace windrow::node
