#pragma once

#include <caf/typed_actor.hpp>

#include "actors/messages.hpp"

/// The conversation, on one page. Messages stay inside a process for now: bodies are shared
/// pointers. What crosses a network later carries Cap'n Proto bytes instead.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::read_next)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::source_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::poll_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::apply_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::batch_applied)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::maintenance_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::checkpoint_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::checkpoint_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::commit_write)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::write_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::shard_lookup)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::shard_rows)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::run_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::query_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::stage_catalog)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::activate_catalog)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::catalog_ready)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::drained)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::stop_input)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::input_stopped)

namespace windrow::actors {
struct start_inputs;
struct continue_input;
}  // namespace windrow::actors
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::start_inputs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(windrow::actors::continue_input)

namespace windrow::actors {

/// Reads one input on a thread of its own.
using source_actor = caf::typed_actor<
    // The next run, when there is one. One request at a time.
    caf::replies_to<read_next>::with<source_read>,
    // Internal.
    caf::reacts_to<poll_again>>;

/// One input of a node, as ingest sees it.
struct ingest_input {
  std::uint32_t number = 0;  ///< what the input is called in all that follows
  source_actor reader;
  int source = schema::none;  ///< plan.sources, or none for the journal
  storage::partition_id partition = 0;
  storage::sequence position = 0;  ///< every shard has everything up to here
  std::vector<storage::skip_range> skips;
  storage::sequence skip_to = 0;     ///< where the reader begins, if that is ahead
  std::vector<std::int64_t> clocks;  ///< its newest event time by watermark group, at that position
  bool essential = false;            ///< its failure is the node's
};
/// Begin reading these inputs.
struct start_inputs {
  std::shared_ptr<const std::vector<ingest_input>> inputs;
};

/// Read an input on, from another reader; first pass over what lies before `skip_to`. Without a
/// reader that is all, and the input stays stopped.
struct continue_input {
  std::uint32_t number = 0;
  source_actor reader;
  std::vector<storage::skip_range> skips;  ///< instead of those before
  storage::sequence skip_to = 0;
};

/// Owns the window state of one shard.
using shard_actor = caf::typed_actor<
    // Folds a batch; answers when its memory is free again, later where memory is short.
    caf::replies_to<apply_batch>::with<batch_applied>,
    // Answers lookups; sent with high priority, ahead of queued batches.
    caf::replies_to<shard_lookup>::with<shard_rows>,
    // Opens the state for a catalog version, beside what runs.
    caf::replies_to<stage_catalog>::with<catalog_ready>,
    // Begins to serve and fold under that version.
    caf::replies_to<activate_catalog>::with<catalog_ready>,
    // Writes every stripe; answers when all of it is on disk.
    caf::replies_to<checkpoint_now>::with<checkpoint_done>,
    // Begins cycles of checkpoints that are due, makes room, expires. Internal, repeating.
    caf::reacts_to<maintenance_tick>>;

/// Commits stripes to disk on a thread of its own, for all shards of the node.
using writer_actor = caf::typed_actor<
    // One short transaction; dead letters that belong to it become durable first.
    caf::replies_to<commit_write>::with<write_committed>>;

/// Decodes and resolves messages, and partitions their rows by key.
using ingest_actor = caf::typed_actor<  // Keeps a plan for inputs that begin later.
    caf::replies_to<stage_catalog>::with<catalog_ready>,
    // Begins inputs under that plan from now on.
    caf::replies_to<activate_catalog>::with<catalog_ready>,
    // Asks every source for its first run.
    caf::reacts_to<start_inputs>,
    // Stops asking one input for more; answers where it stands.
    caf::replies_to<stop_input>::with<input_stopped>,
    // Goes on with a stopped or failed one.
    caf::reacts_to<continue_input>,
    // Stops asking; answers when all rows are applied.
    caf::replies_to<drain>::with<drained>>;

/// Fans a query out to the shards it concerns, and gathers.
using query_actor = caf::typed_actor<caf::replies_to<run_query>::with<query_done>>;

/// Brings catalog versions to everyone: staged everywhere, then active.
using coordinator_actor = caf::typed_actor<caf::replies_to<stage_catalog>::with<catalog_ready>>;

}  // namespace windrow::actors
