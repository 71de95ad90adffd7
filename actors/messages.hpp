#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "sources/input.hpp"
#include "storage/batch.hpp"
#include "storage/journal/skip_range.hpp"
#include "storage/shard/shard_core.hpp"
#include "windrow/result.hpp"

/// What actors say to each other. Values; what is large is immutable and shared, so that nothing
/// is copied inside a process. `interfaces.hpp` says who takes which.
namespace windrow::query {
class query_core;
}

namespace windrow::actors {

/// Asks a source for its next run.
struct read_next {};
/// The answer: a run, or the end of the input, or why there will be no more. A source answers when
/// it has something to say.
struct source_read {
  sources::source_step step;  ///< a run or the end, unless it failed
  std::optional<failure> failed;
};

/// A source's reminder to itself that its input may have more by now.
struct poll_again {};

/// Rows for a shard, in the order of their source partitions.
struct apply_batch {
  storage::batch_ptr batch;
  std::int64_t arrival = storage::no_time;  ///< of its rows; none for a batch without
};
/// The batch is folded: its credit is free again.
struct batch_applied {
  std::uint32_t shard = 0;
  std::uint64_t bytes = 0;
  std::uint64_t late = 0;
  std::optional<failure> failed;
};

/// Look after checkpoints, memory and expiry.
struct maintenance_tick {};
/// Bring everything applied so far to disk.
struct checkpoint_now {};
struct checkpoint_done {
  std::optional<failure> failed;
};

struct commit_write {
  std::uint32_t shard = 0;
  std::shared_ptr<storage::stripe_write> write;
};
struct write_committed {
  std::optional<failure> failed;
};

/// Lookups for one shard, answered in order.
struct shard_lookup {
  std::shared_ptr<const std::vector<storage::lookup_request>> requests;
};
struct shard_rows {
  std::shared_ptr<const std::vector<result<storage::lookup_answer>>> answers;
};

/// A query for many entities. The answer is the query's own object, finished.
struct run_query {
  std::shared_ptr<query::query_core> core;
};
struct query_done {
  std::optional<failure> failed;
};

/// Make a catalog version ready; change nothing that runs.
struct stage_catalog {
  schema::plan_ptr plan;
};
/// Use it from now on.
struct activate_catalog {
  std::uint32_t version = 0;
};
struct catalog_ready {
  std::uint32_t version = 0;
  std::optional<failure> failed;
};

/// Read no more of an input. What was taken of it goes on; what was read and not taken is dropped.
struct stop_input {
  std::uint32_t input = 0;
};
/// The position after what was taken; nothing if ingest does not know the input.
struct input_stopped {
  std::optional<storage::sequence> position;
};

/// Take no more input; answered when every batch sent has been applied.
struct drain {};
struct drained {};

}  // namespace windrow::actors
