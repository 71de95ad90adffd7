#pragma once

#include <memory>
#include <vector>

#include "node/node_options.hpp"
#include "schema/plan/plan.hpp"
#include "storage/dedup/dedup_index.hpp"
#include "storage/folder/folder.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::node {

class shard_set;

/// What is stored of a node, open. In order of construction: each uses those before it.
struct stored_state {
  storage::folder folder;
  schema::plan_ptr plan;
  std::unique_ptr<storage::journal> journal;
  std::unique_ptr<storage::dedup_index> dedup;  ///< null if no stream declares deduplication
  std::unique_ptr<shard_set> shards;            ///< without cores yet
};

/// Opens the data folder, or makes it if there is none and declarations are given, and all files in
/// it. Unless it is only looked at, from then on a copy of one file that was made before is known
/// to be old. `mismatch` for a folder of other declarations or another number of shards.
result<std::unique_ptr<stored_state>> open_stored_state(const node_options& options);

}  // namespace windrow::node
