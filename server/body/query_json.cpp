#include "server/body/query_json.hpp"

#include <charconv>
#include <set>

#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

failure wrong(const std::string& what) { return {errc::invalid, "the query: " + what}; }

failure twice(std::string_view name) {
  return wrong("`" + std::string(name) + "` is there twice in one object");
}

result<timestamp> read_now(element value) {
  if (value.is<std::int64_t>()) return parse_time(std::to_string(std::int64_t(value)));
  if (!value.is<std::string_view>()) {
    return wrong("`now` is a time, RFC 3339 or milliseconds since 1970");
  }
  auto time = parse_time(std::string_view(value));
  if (!time) return wrong("`now`: " + time.error().message);
  return time;
}

result<std::string> read_key(element value) {
  switch (value.type()) {
    case element_type::STRING:
      return std::string(std::string_view(value));
    case element_type::INT64:
      return std::to_string(std::int64_t(value));
    case element_type::UINT64:
      return std::to_string(std::uint64_t(value));
    case element_type::BOOL:
      return std::string(bool(value) ? "true" : "false");
    default:
      return wrong("a `key` is text, a whole number, true or false");
  }
}

result<void> read_entity(element item, query_request& out) {
  if (!item.is<simdjson::dom::object>()) {
    return wrong(R"(each of `entities` is an object such as {"class": "User", "key": "u1"})");
  }
  entity_reference entity;
  bool has_class = false, has_key = false;
  for (const auto [name, value] : simdjson::dom::object(item)) {
    if ((name == "class" && has_class) || (name == "key" && has_key) ||
        (name == "now" && entity.now)) {
      return twice(name);
    }
    if (name == "class" && value.is<std::string_view>()) {
      entity.entity_class = std::string(std::string_view(value));
      has_class = true;
    } else if (name == "key") {
      auto key = read_key(value);
      if (!key) return key.error();
      entity.key = std::move(*key);
      has_key = true;
    } else if (name == "now") {
      auto time = read_now(value);
      if (!time) return time.error();
      entity.now = *time;
    } else {
      return wrong("an entity has `class` (text), `key` and, if wanted, `now`; there is `" +
                   std::string(name) + "`");
    }
  }
  if (!has_class || !has_key) return wrong("an entity needs `class` and `key`");
  out.entities.push_back(std::move(entity));
  return {};
}

result<void> read_member(std::string_view name, element value, query_request& out) {
  if (name == "entities" && value.is<simdjson::dom::array>()) {
    for (const element item : simdjson::dom::array(value)) {
      if (auto read = read_entity(item, out); !read) return read;
    }
    return {};
  }
  if (name == "features" && value.is<simdjson::dom::array>()) {
    for (const element item : simdjson::dom::array(value)) {
      if (!item.is<std::string_view>()) return wrong("each of `features` is a name");
      out.features.emplace_back(std::string_view(item));
    }
    return {};
  }
  if (name == "now") {
    auto time = read_now(value);
    if (!time) return time.error();
    out.now = *time;
    return {};
  }
  return wrong("it has `entities` (a list), `features` (a list) and, if wanted, `now`; there is `" +
               std::string(name) + "`");
}

void write_value(json_writer& out, const feature_answer& f) {
  out.key(f.feature).begin_object().key("value").value(f.value.value());
  if (f.from && f.to) {
    out.key("from").time(*f.from).key("to").time(*f.to).key("events").unsigned_integer(f.events);
  } else {
    out.key("at");
    f.at ? out.time(*f.at) : out.null();
    if (f.age) out.key("age").number(static_cast<double>(f.age->count()) / 1e6);
  }
  out.end_object();
}

void write_row_members(json_writer& out, const answer_row& row) {
  out.key("entity").string(row.entity).key("key").value(row.key);
  out.key("position").begin_object();
  for (const auto& [source, sequence] : row.position) out.key(source).unsigned_integer(sequence);
  out.end_object();
  out.key("features").begin_object();
  for (const feature_answer& f : row.features) {
    if (f.value.ok()) write_value(out, f);
  }
  out.end_object();
  out.key("errors").begin_array();
  for (const feature_answer& f : row.features) {
    if (f.value.ok()) continue;
    out.begin_object().key("feature").string(f.feature);
    out.key("code").string(to_string(f.value.error().code));
    out.key("message").string(f.value.error().message).end_object();
  }
  out.end_array();
}

feature_answer read_feature(std::string_view name, element value) {
  feature_answer out;
  out.feature = std::string(name);
  out.value = value_of(value["value"]);
  for (const auto [member, what] : simdjson::dom::object(value)) {
    if (member == "from") out.from = time_of(what);
    if (member == "to") out.to = time_of(what);
    if (member == "events") out.events = std::uint64_t(what);
    if (member == "at" && !what.is_null()) out.at = time_of(what);
    if (member == "age") {
      out.age = std::chrono::microseconds(static_cast<std::int64_t>(double(what) * 1e6 + 0.5));
    }
  }
  return out;
}

answer_row read_row(element row) {
  answer_row out;
  out.entity = text_of(row, "entity");
  out.key = value_of(row["key"]);
  if (element now; row["now"].get(now) == simdjson::SUCCESS) out.now = time_of(now);
  for (const auto [name, at] : simdjson::dom::object(row["position"])) {
    out.position[std::string(name)] = std::uint64_t(at);
  }
  for (const auto [name, value] : simdjson::dom::object(row["features"])) {
    out.features.push_back(read_feature(name, value));
  }
  for (const element e : simdjson::dom::array(row["errors"])) {
    feature_answer bad;
    bad.feature = text_of(e, "feature");
    bad.value = failure_of(e);
    out.features.push_back(std::move(bad));
  }
  return out;
}

void write_failure(json_writer& out, const failure& why) {
  out.key("error").begin_object().key("code").string(to_string(why.code));
  out.key("message").string(why.message).end_object();
}

void write_explained(json_writer& out, const feature_answer& answer) {
  if (!answer.value.ok()) return write_failure(out, answer.value.error());
  out.key("value").value(answer.value.value());
  if (!answer.from || !answer.to) return;
  out.key("from").time(*answer.from).key("to").time(*answer.to);
  out.key("events").unsigned_integer(answer.events);
}

}  // namespace

result<query_request> read_query(std::string_view json) {
  return with_json<query_request>(json, errc::invalid, "the body",
                                  [](element root) -> result<query_request> {
                                    if (!root.is<simdjson::dom::object>())
                                      return wrong("the body is an object");
                                    query_request out;
                                    std::set<std::string_view> seen;
                                    for (const auto [name, value] : simdjson::dom::object(root)) {
                                      if (!seen.insert(name).second) return twice(name);
                                      if (auto read = read_member(name, value, out); !read)
                                        return read.error();
                                    }
                                    return out;
                                  });
}

std::string query_request_json(const query_request& request) {
  json_writer out;
  out.begin_object().key("entities").begin_array();
  for (const entity_reference& e : request.entities) {
    out.begin_object().key("class").string(e.entity_class).key("key").string(e.key);
    if (e.now) out.key("now").time(*e.now);
    out.end_object();
  }
  out.end_array().key("features").begin_array();
  for (const std::string& name : request.features) out.string(name);
  out.end_array();
  if (request.now) out.key("now").time(*request.now);
  out.end_object();
  return out.take();
}

std::string query_json(const query_answer& answer) {
  json_writer out;
  out.begin_object().key("now").time(answer.now);
  out.key("catalog_version").integer(answer.catalog_version).key("rows").begin_array();
  for (const answer_row& row : answer.rows) {
    out.begin_object();
    if (row.now) out.key("now").time(*row.now);
    write_row_members(out, row);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

std::string entity_json(const answer_row& row, timestamp now, std::uint32_t catalog_version) {
  json_writer out;
  out.begin_object().key("now").time(now).key("catalog_version").integer(catalog_version);
  write_row_members(out, row);
  out.end_object();
  return out.take() + "\n";
}

result<query_answer> read_query_answer(std::string_view json) {
  return with_json<query_answer>(
      json, errc::io, "the answer", [](element root) -> result<query_answer> {
        query_answer out;
        out.now = time_of(root["now"]);
        out.catalog_version = static_cast<std::uint32_t>(number_of(root, "catalog_version"));
        for (const element row : simdjson::dom::array(root["rows"]))
          out.rows.push_back(read_row(row));
        return out;
      });
}

std::string explain_json(const explanation& what, const explain_context& context) {
  const feature_answer& answer = what.row.features.front();
  json_writer out;
  out.begin_object().key("now").time(context.now);
  out.key("catalog_version").unsigned_integer(context.catalog_version);
  out.key("entity").string(what.row.entity);
  out.key("key").value(what.row.key).key("feature").string(answer.feature);
  out.key("position").begin_object();
  for (const auto& [source, sequence] : what.row.position)
    out.key(source).unsigned_integer(sequence);
  out.end_object();
  write_explained(out, answer);
  out.key("aggregation").string(context.aggregation);
  out.key("bucket_seconds").number(static_cast<double>(context.bucket_duration) / 1e6);
  out.key("buckets").begin_array();
  for (const explanation::bucket& b : what.buckets) {
    out.begin_object().key("start").time(b.start).key("end").time(b.end);
    out.key("events").unsigned_integer(b.events);
    if (b.value.ok()) {
      out.key("value").value(b.value.value());
    } else {
      write_failure(out, b.value.error());
    }
    out.end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

result<explained> read_explanation(std::string_view json) {
  return with_json<explained>(json, errc::io, "the answer", [](element root) -> result<explained> {
    explained out;
    out.context.now = time_of(root["now"]);
    out.context.catalog_version = static_cast<std::uint32_t>(number_of(root, "catalog_version"));
    for (const auto [name, at] : simdjson::dom::object(root["position"]))
      out.what.row.position[std::string(name)] = std::uint64_t(at);
    out.context.aggregation = text_of(root, "aggregation");
    out.context.bucket_duration =
        static_cast<std::int64_t>(double(root["bucket_seconds"]) * 1e6 + 0.5);
    out.what.row.entity = text_of(root, "entity");
    out.what.row.key = value_of(root["key"]);
    feature_answer answer;
    answer.feature = text_of(root, "feature");
    element error;
    if (root["error"].get(error) == simdjson::SUCCESS) {
      answer.value = failure_of(error);
    } else {
      answer.value = value_of(root["value"]);
      element from;
      if (root["from"].get(from) == simdjson::SUCCESS) {
        answer.from = time_of(from);
        answer.to = time_of(root["to"]);
        answer.events = number_of(root, "events");
      }
    }
    out.what.row.features.push_back(std::move(answer));
    for (const element b : simdjson::dom::array(root["buckets"])) {
      explanation::bucket bucket{time_of(b["start"]), time_of(b["end"]), number_of(b, "events"),
                                 windrow::value{}};
      element wrong_bucket;
      if (b["error"].get(wrong_bucket) == simdjson::SUCCESS) {
        bucket.value = failure_of(wrong_bucket);
      } else {
        bucket.value = value_of(b["value"]);
      }
      out.what.buckets.push_back(std::move(bucket));
    }
    return out;
  });
}

namespace {

constexpr const body_shape* query_parts[] = {&time_given_shape};
constexpr const body_shape* feature_parts[] = {&value_shape, &time_shape, &count_shape};
constinit const body_shape feature_shape{"Feature", R"({"type": "object", "required": ["value"],
  "description": "A value: of a scalar with its event time, of a window with what was covered",
  "properties": {"value": {"$ref": "Value"},
    "at": {"anyOf": [{"$ref": "Time"}, {"type": "null"}]},
    "age": {"type": "number", "description": "seconds, of a scalar that is too old to be a value"},
    "from": {"$ref": "Time"}, "to": {"$ref": "Time"}, "events": {"$ref": "Count"}}})",
                                         feature_parts};
constinit const body_shape failure_shape{"Failure", R"({"type": "object",
  "required": ["code", "message"],
  "properties": {"code": {"type": "string"}, "message": {"type": "string"}}})"};
constexpr const body_shape* row_parts[] = {&value_shape, &time_shape, &positions_shape,
                                           &feature_shape};
constinit const body_shape row_shape{"Row", R"({"type": "object",
  "required": ["entity", "key", "position", "features", "errors"],
  "properties": {"now": {"$ref": "Time"}, "entity": {"type": "string"}, "key": {"$ref": "Value"},
    "position": {"$ref": "Positions"},
    "features": {"type": "object", "additionalProperties": {"$ref": "Feature"}},
    "errors": {"type": "array", "items": {"type": "object",
      "required": ["feature", "code", "message"], "properties": {"feature": {"type": "string"},
        "code": {"type": "string"}, "message": {"type": "string"}}}}}})",
                                     row_parts};
constexpr const body_shape* answer_parts[] = {&row_shape, &time_shape};
constexpr const body_shape* bucket_parts[] = {&value_shape, &time_shape, &count_shape,
                                              &failure_shape};
constinit const body_shape bucket_shape{"Bucket", R"({"type": "object",
  "required": ["start", "end", "events"],
  "properties": {"start": {"$ref": "Time"}, "end": {"$ref": "Time"},
    "events": {"$ref": "Count"}, "value": {"$ref": "Value"}, "error": {"$ref": "Failure"}}})",
                                        bucket_parts};
constexpr const body_shape* explanation_parts[] = {&value_shape,   &time_shape,   &count_shape,
                                                   &failure_shape, &bucket_shape, &positions_shape};

}  // namespace

constinit const body_shape query_shape{"Query", R"({"type": "object",
  "required": ["entities", "features"], "additionalProperties": false,
  "properties": {
    "entities": {"type": "array", "minItems": 1, "items": {"type": "object",
      "required": ["class", "key"], "additionalProperties": false,
      "properties": {"class": {"type": "string"},
        "key": {"type": ["string", "integer", "boolean"], "minimum": -9223372036854775808,
          "maximum": 9223372036854775807},
        "now": {"$ref": "TimeGiven"}}}},
    "features": {"type": "array", "minItems": 1, "items": {"type": "string"}},
    "now": {"$ref": "TimeGiven"}}})",
                                       query_parts};

constinit const body_shape query_answer_shape{"QueryAnswer", R"({"type": "object",
  "required": ["now", "catalog_version", "rows"],
  "properties": {"now": {"$ref": "Time"}, "catalog_version": {"type": "integer"},
    "rows": {"type": "array", "items": {"$ref": "Row"}}}})",
                                              answer_parts};

constinit const body_shape entity_answer_shape{"EntityAnswer", R"({"allOf": [{"$ref": "Row"},
  {"type": "object", "required": ["now", "catalog_version"],
    "properties": {"now": {"$ref": "Time"}, "catalog_version": {"type": "integer"}}}]})",
                                               answer_parts};

constinit const body_shape explanation_shape{"Explanation", R"({"type": "object",
  "required": ["now", "catalog_version", "entity", "key", "feature", "position", "aggregation",
    "bucket_seconds", "buckets"],
  "properties": {"now": {"$ref": "Time"}, "catalog_version": {"type": "integer"},
    "entity": {"type": "string"}, "key": {"$ref": "Value"}, "feature": {"type": "string"},
    "position": {"$ref": "Positions"}, "value": {"$ref": "Value"}, "error": {"$ref": "Failure"},
    "from": {"$ref": "Time"}, "to": {"$ref": "Time"}, "events": {"$ref": "Count"},
    "aggregation": {"type": "string"}, "bucket_seconds": {"type": "number"},
    "buckets": {"type": "array", "items": {"$ref": "Bucket"}}}})",
                                             explanation_parts};

}  // namespace windrow::server
