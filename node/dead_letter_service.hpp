#pragma once

#include <cstddef>
#include <cstdint>

#include "node/dead_letter_listing.hpp"
#include "storage/journal/journal.hpp"
#include "windrow/result.hpp"

namespace windrow::node {

class current_plan;
class journal_notifier;
class run_state;

/// Messages that could not be used: shown, put into the journal again, forgotten.
///
/// Any thread. `not_found` for a source that is not declared. Everything it is made of outlives it.
class dead_letter_service {
public:
  struct parts {
    const current_plan& plan;
    storage::journal& journal;
    run_state& state;
    journal_notifier& notifier;
  };
  explicit dead_letter_service(parts p) : parts_(p) {}

  /// The newest `limit` of them, 0 for all; `not_found` if nothing is at the selection's place.
  /// Reads up to a gibibyte of each file to say in which lines they are.
  result<dead_letter_listing> list(const dead_letter_selection& what, std::size_t limit);

  // Letters that leave. `invalid` for a place that is one of several partitions, `not_found` for a
  // partition that has none, `closed` once the node is stopped.

  /// Puts the messages into the journal again, each in the transaction that removes its letter.
  /// They arrive now, and are applied like pushes.
  result<storage::replay_outcome> replay(const dead_letter_selection& what);
  /// Forgets them; how many there were.
  result<std::uint64_t> drop(const dead_letter_selection& what);

private:
  result<storage::dead_letter_filter> leaving(const dead_letter_selection& what);

  const parts parts_;
};

}  // namespace windrow::node
