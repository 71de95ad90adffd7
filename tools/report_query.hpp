#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tools/table.hpp"
#include "windrow/engine.hpp"

/// The answer of `windrow query` as a table.
namespace windrow::tools {

/// A table of entities by features, or, where that is wider than the terminal, with a line a value
/// and its events. Below it the intervals covered and the errors.
std::string query_table(const query_answer& answer, const table_options& options);

/// The name a person would use: `sum_transaction_amount` and `1h` of
/// `user.sum_transaction_amount__3600__`; no window for a scalar.
std::pair<std::string, std::string> feature_label(std::string_view feature);

}  // namespace windrow::tools
