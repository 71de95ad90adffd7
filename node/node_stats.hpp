#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "actors/shard_metrics.hpp"
#include "node/source_registry.hpp"
#include "schema/plan/plan.hpp"
#include "sources/source_status.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::node {

class run_state;
class shard_set;
class source_manager;
class source_overview;

/// Everything a node measures of itself, for monitoring. Nothing of it is made by walking
/// over state: counts that are kept anyway, read in microseconds a shard.
struct node_stats {
  /// By declared source; what is pushed, and standard input, under no name.
  std::map<std::string, source_totals> sources;
  std::vector<sources::source_status> statuses;  ///< where they stand; last `journal`
  bool failed = false;                           ///< the node has stopped taking input

  struct key_space {
    std::string name;           ///< `User`, `Transaction by (user_id, country)`
    std::uint64_t records = 0;  ///< in memory
    std::uint64_t buckets = 0;  ///< of those records
  };
  std::vector<key_space> key_spaces;
  struct series {
    std::string text;        ///< as a person reads it
    std::uint64_t late = 0;  ///< rows too old for at least one of its rules
    std::int64_t max_event_time = storage::no_time;
  };
  std::vector<series> all_series;

  std::uint64_t memory_limit = 0;        ///< of the process, as it was asked for
  std::uint64_t state_memory = 0;        ///< what the shards hold
  std::uint64_t state_memory_limit = 0;  ///< their budgets
  std::uint64_t unwritten = 0;           ///< about how many bytes a checkpoint would write now
  std::uint64_t stored_values = 0;       ///< records and segments in the shards' files
  std::uint64_t stored_bytes = 0;        ///< of those files, what is in use
  std::uint64_t file_bytes = 0;          ///< of shards and journal

  actors::duration_meter::reading visible, cycles, commits;  ///< see `actors::shard_metrics`
  std::uint64_t written_bytes = 0;
  std::uint64_t written_values = 0;
  std::int64_t last_cycle =
      0;  ///< end of the oldest of the shards' last cycles of checkpoints; 0: none

  std::uint64_t journal_last = 0;     ///< entries ever
  std::uint64_t journal_kept = 0;     ///< those that are not in every shard's files
  std::uint64_t journal_waiting = 0;  ///< those that are not applied
};

/// What is measured; all of it is only looked at.
struct measured {
  schema::plan_ptr plan;
  storage::journal& journal;
  const shard_set& shards;
  const source_manager& sources;
  const source_overview& overview;
  const run_state& state;
  std::size_t memory = 0;  ///< of the process, in bytes
};

result<node_stats> measure(const measured& what);

}  // namespace windrow::node
