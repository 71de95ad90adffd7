#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "node/actor_runtime.hpp"
#include "sources/source_driver.hpp"

namespace windrow::node {

class current_plan;
class run_state;
class shard_set;
class source_registry;

/// The partitions that are inputs, and how each is read: opened from where every shard is, stopped,
/// read on from where ingest stands.
///
/// An input that does not open or fails is left alone, and the registry says why; only the journal
/// and the shards stop the node.
///
/// Concurrency: one caller at a time (`source_manager` holds its lock). Everything it is made of
/// outlives it.
class input_set {
public:
  struct parts {
    const current_plan& plan;
    storage::journal& journal;
    const shard_set& shards;
    source_registry& registry;
    run_state& state;
    actor_runtime& runtime;
  };
  explicit input_set(parts p) : parts_(p) {}

  /// The journal's own input, which nobody stops.
  void read_journal(opened_input input);

  /// Asks every driver for partitions that are new, and has them read. A driver that cannot say
  /// fails as a source.
  void discover(const std::vector<std::unique_ptr<sources::source_driver>>& drivers);

  /// Makes a partition an input, and opens it into `starting` unless it is paused. Does nothing if
  /// it is one already: two readers of one position would each skip what the other has read.
  void add(sources::source_driver& driver, const sources::driver_partition& partition,
           std::vector<opened_input>& starting);
  /// Has ingest read what was opened. Also without inputs: ingest then says `idle` again, and the
  /// registry may see that nothing more will come.
  void begin(std::vector<opened_input> starting);

  /// Where ingest stands in it, if ingest knows it.
  std::optional<storage::sequence> stop(std::uint32_t number);
  /// Reads a stopped input on, where ingest stands or behind what is to be passed over.
  void go_on(std::uint32_t number);
  /// Has a stopped input pass over `skips`; it stays stopped.
  void pass_over(std::uint32_t number, const std::vector<storage::skip_range>& skips,
                 storage::sequence skip_to);
  /// Forgets a stopped input.
  void drop(std::uint32_t number);

private:
  struct known_input {
    sources::source_driver* driver = nullptr;
    sources::driver_partition partition;
    bool in_ingest = false;
  };
  void open(std::uint32_t number, std::vector<opened_input>& starting);

  const parts parts_;
  std::uint32_t next_ = 0;
  std::map<std::uint32_t, known_input> known_;  // the registry uses the same numbers
};

}  // namespace windrow::node
