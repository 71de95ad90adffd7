#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "schema/plan/plan.hpp"
#include "storage/journal/journal.hpp"
#include "windrow/result.hpp"

namespace windrow::node {

/// Which dead letters are meant, as people name them.
struct dead_letter_selection {
  std::string source;               ///< declared name; empty for all
  std::string reason;               ///< a reason, a phase, or `phase: reason`; empty for all
  std::optional<std::uint64_t> at;  ///< only those at this place
};

/// The same for the journal, all that pass. `not_found` for a source that is not declared.
result<storage::dead_letter_filter> filter_of(const schema::plan& plan,
                                              const dead_letter_selection& what);

}  // namespace windrow::node
