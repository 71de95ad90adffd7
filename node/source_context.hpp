#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "node/node_options.hpp"
#include "sources/source_driver.hpp"

namespace windrow::node {

class current_plan;
class input_set;
class run_state;
class shard_set;
class source_registry;

/// What the parts that deal with sources share; all of it outlives them.
struct source_context {
  const node_options& options;
  const current_plan& plan;
  storage::journal& journal;
  const shard_set& shards;
  run_state& state;
  source_registry& registry;
  /// Made once, before anything is read.
  std::vector<std::unique_ptr<sources::source_driver>>& drivers;
  input_set& inputs;
  /// One at a time changes what is read: discovery, and what people do to sources. Whoever uses
  /// `inputs`, or anything of a driver but its `partitions` and `trouble`, holds it.
  std::mutex& changing;
};

}  // namespace windrow::node
