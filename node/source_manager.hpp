#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/input_set.hpp"
#include "node/node_options.hpp"
#include "node/source_context.hpp"
#include "node/source_registry.hpp"
#include "sources/source_driver.hpp"

namespace windrow::node {

class journal_notifier;
class standard_input;
struct node_progress;

/// What a node reads: a driver per source, the partitions they find, standard input. What people
/// see of it is `source_overview`, what they do to it `source_controller`.
///
/// A source that fails stops alone, and the registry says why.
///
/// Concurrency: `discover`, `committed` and the controller take turns (`context().changing`); the
/// others are for any thread, once `open` has returned. Everything it is made of outlives it;
/// `close` comes before the runtime stops.
class source_manager {
public:
  struct parts {
    const node_options& options;
    const current_plan& plan;
    storage::journal& journal;
    const shard_set& shards;
    run_state& state;
    actor_runtime& runtime;
  };
  /// `found` is called when a driver may have found partitions: any thread, soon `discover` is to
  /// be called.
  source_manager(parts p, std::function<void()> found);
  ~source_manager();

  /// Makes the drivers. A folder that is looked at has one for every source, which answers from the
  /// journal. `invalid` for an input of a source that is not declared.
  result<void> open();
  /// Begins with the journal, then reads what is found at once, and standard input if it is one.
  /// `behind`: entries that are journalled but not applied yet.
  void start(opened_input journal, const std::shared_ptr<journal_notifier>& notifier,
             const std::function<std::uint64_t()>& behind);
  /// Reads standard input no more.
  void close();
  /// Ends the drivers with their threads: `found` is not called any longer. The runtime has
  /// stopped, and nothing is asked of the sources afterwards.
  void drop_drivers() { drivers_.clear(); }

  /// Asks every driver for partitions that are new, and has them read.
  void discover();
  /// Every shard has this on disk: tells the drivers, and what a seek passed over before it is
  /// forgotten. What the journal refuses is the node's failure.
  result<void> committed(const storage::positions& smallest, storage::partition_id pushes);

  /// Whether nothing more can come of any source (`once`: of those that are not paused).
  bool over() const;
  /// Fills in what the sources know of a node's progress.
  void describe(node_progress& out) const;
  /// By declared source; what is pushed, and standard input, under no name.
  std::map<std::string, source_totals> totals_by_source() const;

  source_registry& registry() noexcept { return registry_; }
  source_context context();

private:
  result<void> make_drivers_to_look();
  void start_standard_input(const std::shared_ptr<journal_notifier>& notifier,
                            const std::function<std::uint64_t()>& behind);
  void look_whether_done() { inputs_.begin({}); }

  const parts parts_;
  sources::driver_context driving_;
  source_registry registry_;
  std::vector<std::unique_ptr<sources::source_driver>> drivers_;
  std::mutex changing_;
  input_set inputs_;
  // Lines of standard input that no journal entry could hold.
  std::atomic<std::uint64_t> too_long_{0};
  std::unique_ptr<standard_input> piped_;
};

}  // namespace windrow::node
