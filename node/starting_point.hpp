#pragma once

#include <vector>

#include "sources/source_driver.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::node {

class shard_set;

/// Where a partition is read on that ingest does not know.
struct starting_point {
  storage::sequence position = 0;  ///< every shard is there
  std::vector<storage::skip_range> skips;
  storage::sequence read_from = 0;  ///< behind what is to be passed over
};

result<starting_point> starting_point_of(const shard_set& shards, storage::journal& journal,
                                         const sources::driver_partition& partition);

}  // namespace windrow::node
