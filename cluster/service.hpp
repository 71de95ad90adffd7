#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/dead_letter_listing.hpp"
#include "node/inspection.hpp"
#include "node/node_progress.hpp"
#include "node/node_stats.hpp"
#include "node/shard_statistics.hpp"
#include "query/class_query.hpp"
#include "schema/plan/plan.hpp"
#include "sources/source_control.hpp"
#include "sources/source_driver.hpp"
#include "sources/source_status.hpp"
#include "storage/journal/journal.hpp"
#include "windrow/engine.hpp"

namespace windrow::cluster {

/// A message of a push that could not be used.
struct rejected_message {
  std::uint32_t place = 0;  ///< in the push, from 1
  std::string phase;
  std::string reason;
  std::string detail;
};

/// What serves users, whatever number of nodes stands behind it; today one (`local_service.hpp`).
/// The library, the API and the commands know nothing else.
///
/// Concurrency: any thread may call anything at any time, and the calls block; destruction only
/// once they have returned. Errors are values: `closed` once it is stopped, or for what would
/// change something after it has failed.
class service {
public:
  virtual ~service() = default;

  // What is declared, and how it is getting on.

  /// The plan that is active: a caller keeps the one it got, whatever becomes active meanwhile.
  virtual schema::plan_ptr plan() const = 0;
  virtual node::node_progress progress() const = 0;
  /// Waits until the inputs have ended (`once`), it has failed, or the time is over.
  virtual void wait(std::chrono::milliseconds time_limit) = 0;
  /// Brings every change so far to disk.
  virtual result<void> checkpoint() = 0;
  /// Applies what is under way, checkpoints and stops everything. The first failure, if any.
  /// Queries are answered on.
  virtual result<void> stop() = 0;

  // Queries.

  virtual result<query_answer> query(const query_request& request) = 0;
  virtual result<explanation> explain(const entity_reference& entity, const std::string& feature,
                                      std::optional<timestamp> now) = 0;
  /// Class and features resolved once.
  virtual result<query::class_query_ptr> prepare(std::string_view entity_class,
                                                 std::span<const std::string> features) = 0;
  /// `mismatch` if the query was prepared for another plan than is active: prepare it again.
  virtual result<answer_row> lookup(const query::class_query_ptr& query, std::string_view key,
                                    timestamp now) = 0;

  // Pushes.

  virtual result<push_receipt> push(std::string_view stream,
                                    std::span<const std::string_view> messages,
                                    const push_options& options = {}) = 0;
  /// The last sequence that was taken of a producer; 0 before the first.
  virtual result<std::uint64_t> producer_sequence(std::string_view producer) = 0;
  /// Waits until everything that was pushed before the call is visible to lookups.
  virtual result<void> wait_applied() = 0;
  /// The same for one entry; false if the time was over first.
  virtual result<bool> wait_applied(std::uint64_t entry, std::chrono::milliseconds at_most) = 0;
  /// Pushes that are durable and not applied yet.
  virtual std::uint64_t pushes_waiting() = 0;
  /// Whether what had been pushed before the start is applied: until then answers may be older than
  /// those that an earlier run gave.
  virtual bool caught_up() = 0;
  /// What could not be used of a push that is applied.
  virtual result<std::vector<rejected_message>> rejected(std::uint64_t entry) = 0;

  // Sources. `not_found` for a name that is not there, with those that are.

  /// Every source that is read, and last `journal`, what is pushed.
  virtual result<std::vector<sources::source_status>> sources() = 0;
  /// See `node::source_controller`.
  virtual result<sources::source_control> pause_source(const sources::source_selection& what) = 0;
  virtual result<sources::source_control> resume_source(const sources::source_selection& what) = 0;
  virtual result<sources::source_control> seek_source(const sources::source_selection& what,
                                                      const sources::seek_target& target) = 0;
  virtual result<sources::source_control> reset_source(const sources::source_selection& what) = 0;

  // Dead letters; see `node::dead_letter_service`.

  virtual result<node::dead_letter_listing> list_dead_letters(
      const node::dead_letter_selection& what, std::size_t limit) = 0;
  virtual result<storage::replay_outcome> replay_dead_letters(
      const node::dead_letter_selection& what) = 0;
  virtual result<std::uint64_t> drop_dead_letters(const node::dead_letter_selection& what) = 0;

  // What it holds.

  /// One per rule of the plan. Reads the whole state.
  virtual result<std::vector<node::rule_statistics>> count_rules() = 0;
  /// What it measures of itself. Cheap: for being asked often.
  virtual result<node::node_stats> measure() = 0;
  /// What the folder is and holds; with `and_verify` after reading all of it.
  virtual result<node::inspection> inspect(bool and_verify) = 0;
};

}  // namespace windrow::cluster
