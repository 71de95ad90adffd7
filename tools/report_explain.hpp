#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/report_query.hpp"
#include "tools/table.hpp"

/// The answer of `windrow explain`: one value and the buckets that made it.
namespace windrow::tools {

struct bucket_line {
  timestamp start;
  std::uint64_t events = 0;
  windrow::value value = {};        ///< the aggregation over this bucket alone
};

struct explanation {
  timestamp now = {};
  std::string entity;               ///< `User`
  windrow::value key = {};
  feature_answer answer;            ///< windowed
  std::string aggregation;          ///< `sum of _.amount where (_.amount >= 100)`
  std::int64_t bucket_duration = 0; ///< microseconds
  /// Those that hold rows, oldest first.
  std::vector<bucket_line> buckets = {};
};

/// The buckets with a bar each, the value, and the interval covered. Bars are as long as the partial
/// values, or as the events where values are no numbers.
std::string explain_table(const explanation& what, const table_options& options);

/// `{"now", "entity", "key", "feature", "value", "from", "to", "events", "aggregation",
/// "bucket_seconds", "buckets": [{"start", "end", "events", "value"}]}` on one line, with its end;
/// `"error": {"code", "message"}` in place of value, interval and events where there is no value.
std::string explain_json(const explanation& what);

}  // namespace windrow::tools
