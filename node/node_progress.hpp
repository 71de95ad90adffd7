#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "windrow/result.hpp"

namespace windrow::node {

/// Totals since the node started (`applied` and the like do not include replayed rows).
struct node_progress {
  std::uint64_t read = 0;         ///< messages
  std::uint64_t read_bytes = 0;   ///< of the messages
  std::uint64_t file_bytes = 0;   ///< of the files, how much lies before their positions
  std::uint64_t total_bytes = 0;  ///< of the files
  std::uint64_t applied = 0;      ///< messages that gave rows and were applied
  std::uint64_t skipped = 0;      ///< `parse` said null
  std::uint64_t duplicate = 0;    ///< repeats, of streams that declare deduplication
  std::uint64_t late = 0;         ///< rows too old for at least one rule
  std::map<std::string, std::uint64_t> dead_letters;  ///< by "phase: reason"
  std::uint64_t dead_lettered = 0;                    ///< messages
  std::int64_t max_event_time = INT64_MIN;            ///< microseconds
  /// Nothing more will come: every input has ended and is applied (`once`), or every source has
  /// failed.
  bool finished = false;
  std::optional<failure> failed;  ///< the node has stopped taking input, and why
  /// Sources that have stopped with a reason while the others go on.
  std::vector<std::pair<std::string, failure>> failed_sources;
  /// Sources from which nothing comes at present, and why: no broker, say.
  std::map<std::string, std::string> waiting_sources;
};

}  // namespace windrow::node
