#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ingest/progress.hpp"
#include "schema/plan/plan.hpp"
#include "sources/input.hpp"
#include "storage/journal/journal.hpp"
#include "windrow/result.hpp"

namespace windrow::actors {
class yield_hint;
}
namespace windrow::query {
class query_core;
}
namespace windrow::storage {
class dedup_index;
}

namespace windrow::node {

class shard_set;

/// An input that is about to be read: one partition, from where every shard is.
struct opened_input {
  std::uint32_t number = 0;  ///< what the input is called in all that follows
  std::shared_ptr<sources::input> input;
  int source = schema::none;  ///< plan.sources, or none for the journal
  storage::partition_id partition = 0;
  storage::sequence position = 0;  ///< every shard has everything up to here
  std::vector<storage::skip_range> skips;
  storage::sequence skip_to = 0;     ///< where the input begins, if that is ahead
  std::vector<std::int64_t> clocks;  ///< the partition's own newest event times at `position`
  bool essential = false;            ///< its failure is the node's
  bool waits = false;                ///< `next` waits for more by itself: it is not polled
};

/// What the actors tell the node. Called on their threads; must not wait for them.
struct runtime_events {
  std::function<void(const ingest::input_progress&)> progressed;
  std::function<void(std::uint32_t input, const failure&)> input_failed;
  /// Everything sent so far is applied.
  std::function<void()> idle;
  /// A shard has applied a batch of this partition.
  std::function<void(storage::partition_id)> applied;
  /// A shard has on disk what a cycle of checkpoints began with.
  std::function<void(std::uint32_t shard, const storage::positions&)> durable;
  /// A shard, the journal or an essential input has failed: nothing more is taken.
  std::function<void(const failure&)> failed;
};

struct runtime_options {
  shard_set* shards = nullptr;  ///< outlives the runtime, like the next two
  storage::journal* journal = nullptr;
  storage::dedup_index* dedup = nullptr;  ///< null: no stream declares deduplication
  std::shared_ptr<actors::yield_hint> requests;
  std::uint64_t folder_seed = 0;
  std::size_t memory = 0;  ///< of the process, in bytes: how much may be under way
  std::chrono::milliseconds checkpoint_interval{};
  bool read_only = false;
  runtime_events events;
};

/// The actors of a node and the threads they run on: the only part that knows the framework.
///
/// `read`, `stop_reading`, `read_on` and `pass_over` are called by one thread at a time; `answer`
/// and `checkpoint` by any. Nothing is called after `stop`, which the destructor does otherwise.
class actor_runtime {
public:
  explicit actor_runtime(runtime_options options);
  ~actor_runtime();

  /// Brings a plan to every shard and to ingest. `timeout` with the name of one that did not
  /// answer; then what ran goes on under the old plan.
  result<void> activate(schema::plan_ptr plan);

  /// Gives each input a reader and has ingest read it. Without inputs `idle` is said again.
  void read(std::vector<opened_input> inputs);
  /// Reads no more of an input, and ends its reader. Its position after what was taken; nothing if
  /// ingest does not answer or does not know it.
  std::optional<storage::sequence> stop_reading(std::uint32_t number);
  /// Goes on with a stopped input, from another reader that begins at `skip_to`.
  void read_on(std::uint32_t number, std::shared_ptr<sources::input> input,
               std::vector<storage::skip_range> skips, storage::sequence skip_to);
  /// Has a stopped input stand behind `skip_to`; it stays stopped.
  void pass_over(std::uint32_t number, std::vector<storage::skip_range> skips,
                 storage::sequence skip_to);

  /// Drives a query at the shards, all at once. `timeout` if they do not answer in time.
  result<void> answer(std::shared_ptr<query::query_core> core);
  /// Everything applied so far is on disk when it returns.
  result<void> checkpoint();
  /// Takes no more input; returns when all that was sent is applied.
  void drain();
  /// Ends the actors and waits for them.
  void stop();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::node
