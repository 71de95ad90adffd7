#pragma once

#include <string>
#include <utility>
#include <vector>

#include "node/node_options.hpp"
#include "schema/plan/plan.hpp"
#include "windrow/result.hpp"

namespace windrow::tools {

/// What `windrow run` reads.
struct run_inputs {
  std::vector<node::node_input> read;
  /// Sources that no stream reads: they are left alone.
  std::vector<std::string> unread;
};

/// Chooses the inputs: each declared source that a stream reads, from where `given`
/// (`--input SOURCE=PATH`) says or else from its declared path or topic. Relative paths start at
/// `directory`. Pure: whether a file is there is not looked at.
///
/// `not_found` for a source that is not declared; `invalid` for one given twice, two on standard
/// input, and where nothing is left to read.
result<run_inputs> choose_inputs(const schema::plan& plan,
                                 const std::vector<std::pair<std::string, std::string>>& given,
                                 const std::string& directory);

}  // namespace windrow::tools
