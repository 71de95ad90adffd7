#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/body/body_shape.hpp"
#include "windrow/engine.hpp"

/// Questions and answers as JSON.
namespace windrow::server {

/// `{"entities": [{"class", "key", "now"?}], "features": [], "now"?}`. Keys are text, or numbers
/// and booleans as JSON writes them; times are RFC 3339 or milliseconds since the epoch. Unknown
/// members are refused, so that a misspelt one is not ignored, and so are members given twice.
result<query_request> read_query(std::string_view json);
std::string query_request_json(const query_request& request);

/// `{"now": …, "catalog_version": …, "rows": […]}` on one line, with its end. A scalar older than
/// its max_staleness has its `age` in seconds beside the null. A row that was asked for with a time
/// of its own has it as `now`.
std::string query_json(const query_answer& answer);
/// The same for one entity: the row's members beside `now` and `catalog_version`.
std::string entity_json(const answer_row& row, timestamp now, std::uint32_t catalog_version);

/// Reads `query_json` back. Within a row values come first, then errors; times are text.
result<query_answer> read_query_answer(std::string_view json);

/// What an explanation does not say itself.
struct explain_context {
  timestamp now = {};
  std::uint32_t catalog_version = 0;
  std::string aggregation;           ///< `sum of _.amount where (_.amount >= 100)`
  std::int64_t bucket_duration = 0;  ///< microseconds
  /// A table shows this many buckets, the newest; 0 for all.
  std::size_t buckets_max = 0;
};

/// `{"now", "catalog_version", "entity", "key", "feature", "position", "value", "from", "to",
/// "events", "aggregation", "bucket_seconds", "buckets": [{"start", "end", "events", "value"}]}` on
/// one line, with its end;
/// `"error": {"code", "message"}` in place of value, interval and events where there is no value.
/// Requires an explanation whose row holds one feature.
std::string explain_json(const explanation& what, const explain_context& context);

struct explained {
  explanation what;
  explain_context context;
};
result<explained> read_explanation(std::string_view json);

/// What `read_query` takes.
extern const body_shape query_shape;
/// What `query_json`, `entity_json` and `explain_json` write.
extern const body_shape query_answer_shape;
extern const body_shape entity_answer_shape;
extern const body_shape explanation_shape;

}  // namespace windrow::server
