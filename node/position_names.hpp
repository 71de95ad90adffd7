#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "storage/journal/journal.hpp"

namespace windrow::node {

/// Positions as people read them: the partition's name, and bytes, messages, or entries of the
/// journal. Any thread.
class position_names {
public:
  /// `journal` outlives it; `pushes` is the journal's own partition.
  position_names(storage::journal& journal, storage::partition_id pushes)
      : journal_(journal), pushes_(pushes) {}

  std::pair<std::string, std::uint64_t> readable(storage::partition_id id, storage::sequence at);

private:
  storage::journal& journal_;
  const storage::partition_id pushes_;
  std::mutex mutex_;
  std::map<storage::partition_id, std::string> names_;
};

}  // namespace windrow::node
