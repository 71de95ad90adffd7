#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/journal/dead_letter.hpp"

namespace windrow::node {

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

/// Of one source partition, over all time, whether they are kept or not.
struct dead_letter_tally {
  std::string partition;
  std::string phase;
  std::string reason;
  std::uint64_t count = 0;
};

struct dead_letter_listing {
  std::vector<dead_letter_line> dead_letters;  ///< those shown, oldest first
  std::uint64_t found = 0;                     ///< kept ones that were asked for, shown or not
  std::vector<dead_letter_tally> counts;
};

}  // namespace windrow::node
