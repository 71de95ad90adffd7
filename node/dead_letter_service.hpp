#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/journal/journal.hpp"
#include "windrow/result.hpp"

namespace windrow::schema {
struct plan;
}

namespace windrow::node {

class current_plan;
class journal_notifier;
class run_state;

/// Which dead letters are meant, as people name them: the same for listing, replaying and dropping.
struct dead_letter_selection {
  std::string source;               ///< declared name; empty for all
  std::string reason;               ///< a reason, a phase, or `phase: reason`; empty for all
  std::string partition;            ///< as listed; empty for all
  std::optional<std::uint64_t> at;  ///< only those at this place
};

struct dead_letter_line {
  std::string source;                 ///< declared name
  std::string partition;              ///< what numbered it: the path of a file, else its name
  std::optional<std::uint64_t> line;  ///< of files that are still there
  std::optional<std::uint64_t> push;  ///< entry of the journal; `place` is the message in it
  std::uint64_t place = 0;
  storage::dead_letter letter;
};

/// Of one source partition, over all time, whether the letters are kept or not.
struct dead_letter_tally {
  std::string partition;
  std::string phase;
  std::string reason;
  std::uint64_t count = 0;
};

struct dead_letter_listing {
  std::vector<dead_letter_line> letters;  ///< those shown, oldest first
  std::uint64_t found = 0;                ///< kept letters that were asked for, shown or not
  std::vector<dead_letter_tally> counts;
};

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
