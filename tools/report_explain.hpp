#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "server/body/query_json.hpp"
#include "tools/report_query.hpp"
#include "tools/table.hpp"

/// The answer of `windrow explain`: one window of one feature and the buckets that made it.
/// Requires an explanation whose row holds that one feature.
namespace windrow::tools {

using server::explain_context;

/// The buckets with a bar each, the value, and the interval covered. Bars are as long as the
/// partial values, or as the events where values are no numbers.
std::string explain_table(const explanation& what, const explain_context& context,
                          const table_options& options);

}  // namespace windrow::tools
