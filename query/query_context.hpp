#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "storage/shard/shard_core.hpp"

namespace windrow::query {

/// What a query needs to know of the node, whatever its plan.
struct query_context {
  std::uint32_t shard_count = 1;
  std::uint64_t folder_seed = 0;
  /// The name and the readable value of a position.
  std::function<std::pair<std::string, std::uint64_t>(storage::partition_id, storage::sequence)>
      position;
};

}  // namespace windrow::query
