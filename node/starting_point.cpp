#include "node/starting_point.hpp"

#include <algorithm>

#include "node/shard_set.hpp"

namespace windrow::node {

result<starting_point> starting_point_of(const shard_set& shards, storage::journal& journal,
                                         const sources::driver_partition& partition) {
  starting_point start;
  start.position = std::max(shards.resume_position(partition.id), partition.start);
  auto skips = journal.skips().of(partition.id);
  if (!skips) return skips.error();
  start.skips = std::move(*skips);
  start.read_from = storage::after_skips(start.skips, start.position);
  return start;
}

}  // namespace windrow::node
