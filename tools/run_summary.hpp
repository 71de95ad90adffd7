#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/node_progress.hpp"
#include "schema/plan/plan.hpp"
#include "sources/source_status.hpp"
#include "windrow/value.hpp"

namespace windrow::tools {

/// What is known when a run has ended.
struct run_outcome {
  node::node_progress counts;
  std::int64_t elapsed = 0;   ///< microseconds, the last checkpoint included
  std::string data;           ///< as the user wrote it
  bool deduplicates = false;  ///< a stream declares it
};

/// The counts of a run, a figure a line behind its word: `read  12 messages`.
std::string summary_text(const run_outcome& outcome);

/// What of files has been left because it is no line yet, a sentence for each; with `--once`.
std::vector<std::string> left_for_next_run(const std::vector<sources::source_status>& sources);

/// Commands to try next, on lines like those: a query for a feature of the plan, at the newest
/// event time where that is not about now, and a look at the dead letters if there are any.
std::string next_commands(const schema::plan& plan, const run_outcome& outcome, timestamp now);

}  // namespace windrow::tools
