#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/report_query.hpp"
#include "tools/table.hpp"

/// The answer of `windrow explain`: one window of one feature and the buckets that made it.
/// Requires an explanation whose row holds that one feature.
namespace windrow::tools {

/// What an explanation does not say itself.
struct explain_context {
  timestamp now = {};
  std::string aggregation;          ///< `sum of _.amount where (_.amount >= 100)`
  std::int64_t bucket_duration = 0; ///< microseconds
  /// A table shows this many buckets, the newest; 0 for all.
  std::size_t buckets_max = 0;
};

/// The buckets with a bar each, the value, and the interval covered. Bars are as long as the
/// partial values, or as the events where values are no numbers.
std::string explain_table(const explanation& what, const explain_context& context,
                          const table_options& options);

/// `{"now", "entity", "key", "feature", "value", "from", "to", "events", "aggregation",
/// "bucket_seconds", "buckets": [{"start", "end", "events", "value"}]}` on one line, with its end;
/// `"error": {"code", "message"}` in place of value, interval and events where there is no value.
std::string explain_json(const explanation& what, const explain_context& context);

}  // namespace windrow::tools
