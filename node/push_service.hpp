#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/journal/journal.hpp"
#include "windrow/engine.hpp"

namespace windrow::actors {
class yield_hint;
}

namespace windrow::node {

class current_plan;
class journal_notifier;
class run_state;
class shard_set;

/// Whether the plan has a stream of that name.
bool is_declared(const schema::plan& plan, std::string_view stream);

/// What is pushed to a node: into the journal, and from there to the shards like any source. What
/// waits here waits to be notified, and asks the shards for one position.
///
/// Any thread. Once the node is stopped or has failed whatever would change something answers
/// `closed`. Everything it is made of outlives it.
class push_service {
public:
  struct parts {
    const current_plan& plan;
    storage::journal& journal;
    const shard_set& shards;
    run_state& state;
    journal_notifier& notifier;
    actors::yield_hint& requests;
    storage::partition_id partition = 0;  ///< the journal's own
  };
  explicit push_service(parts p);

  result<push_receipt> push(std::string_view stream, std::span<const std::string_view> messages,
                            const push_options& options = {});
  /// The last sequence that was taken of a producer; 0 before the first.
  result<std::uint64_t> producer_sequence(std::string_view producer);

  /// `corrupt` if the shards have applied more than the journal has ever held.
  result<void> check_journal() const;
  /// Waits until everything that was pushed before the call is visible to lookups.
  result<void> wait_applied();
  /// The same for one entry; false if the time was over first.
  result<bool> wait_applied(std::uint64_t entry, std::chrono::milliseconds at_most);
  /// The same for the end of a node, which lets no more calls in.
  result<void> wait_applied_at_the_end();
  /// Whether every shard has applied what the journal holds.
  bool all_applied() const;
  /// Entries that are durable and not applied yet.
  std::uint64_t waiting() const;
  /// Whether what had been pushed before the node was opened is applied: until then answers may be
  /// older than those that an earlier run gave.
  bool caught_up();

  /// What could not be used of a push that is applied.
  result<std::vector<storage::dead_letter>> dead_letters_of(std::uint64_t entry);

private:
  storage::sequence applied_position() const;
  template <class GivenUp>
  result<void> wait_for_all(GivenUp&& given_up);

  const parts parts_;
  const storage::sequence at_start_;  // at it, what was pushed before is applied
  std::atomic<bool> caught_up_{false};
};

}  // namespace windrow::node
