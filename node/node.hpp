#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "node/inspection.hpp"
#include "node/node_options.hpp"
#include "node/node_progress.hpp"
#include "node/shard_statistics.hpp"
#include "schema/plan/plan.hpp"
#include "sources/source_status.hpp"
#include "windrow/result.hpp"

namespace windrow::storage {
class journal;
}

namespace windrow::node {

class dead_letter_service;
class push_service;
class query_service;
class source_controller;
struct node_stats;

/// One windrow node: opens and closes its folder, journal, shards, sources and actors, and is the
/// only place that wires them. What it does is done by its parts.
///
/// Any thread may call anything at any time, and the calls block; destruction only once they have
/// returned. After `stop` whatever would change something answers `closed`.
///
/// A source that fails stops alone, and `progress` and `sources` say why; what the shards, the
/// journal or the disk refuse stops the node.
class node {
public:
  static result<std::unique_ptr<node>> open(const node_options& options);
  ~node();

  // Parts: they live as long as the node.

  query_service& queries() noexcept;
  push_service& pushes() noexcept;
  source_controller& controller() noexcept;
  dead_letter_service& dead_letters() noexcept;
  storage::journal& journal() noexcept;

  /// The plan that is active.
  schema::plan_ptr plan() const;
  node_progress progress() const;
  /// Waits until the inputs have ended (`once`), the node has failed, or the time is over.
  void wait(std::chrono::milliseconds time_limit);

  /// Brings every change so far to disk.
  result<void> checkpoint();
  /// Stops the sources, applies what is under way, checkpoints and stops everything. The folder
  /// stays locked until destruction. The first failure, if any.
  result<void> stop();

  /// Every source that the node reads (of a folder that is only looked at: every declared one),
  /// and `journal`, what is pushed.
  result<std::vector<sources::source_status>> sources();
  /// One per rule of the plan. Reads the whole state.
  result<std::vector<rule_statistics>> count_rules();
  /// What the node measures of itself. Cheap: for being asked often.
  result<node_stats> measure();
  /// What the folder is and holds; with `and_verify` after reading all of it.
  result<inspection> inspect(bool and_verify);

private:
  struct impl;
  explicit node(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::node
