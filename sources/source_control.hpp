#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/batch.hpp"

/// What people do to sources, and what became of it.
namespace windrow::sources {

/// A declared source, or one of its partitions.
struct source_selection {
  std::string source;
  std::optional<std::string> partition;  ///< its name in the status
};

/// What was done to one partition.
struct source_control_step {
  std::string partition;
  std::string unit;              ///< of positions
  storage::sequence before = 0;  ///< where it would have been read on
  storage::sequence after = 0;   ///< where it is
  std::uint64_t skipped = 0;     ///< passed over by a seek
  std::string text;              ///< the same in words, behind the partition's name
};

struct source_control {
  std::string source;
  std::vector<source_control_step> steps;  ///< none where the source has no partition yet
};

}  // namespace windrow::sources
