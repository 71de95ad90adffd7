#include "server/body/sources_json.hpp"

#include <charconv>

#include "base/suggest.hpp"
#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::server {

namespace {

void optional_number(json_writer& out, std::string_view key,
                     const std::optional<std::uint64_t>& n) {
  out.key(key);
  n ? out.unsigned_integer(*n) : out.null();
}

void reason_of(json_writer& out, const std::string& reason) {
  out.key("reason");
  reason.empty() ? out.null() : out.string(reason);
}

void write_partition(json_writer& out, const sources::partition_status& p) {
  out.begin_object().key("partition").string(p.partition);
  out.key("state").string(to_string(p.state));
  reason_of(out, p.reason);
  out.key("position").unsigned_integer(p.position);
  optional_number(out, "end", p.end);
  optional_number(out, "lag", p.lag);
  out.key("behind_seconds");
  p.behind ? out.number(static_cast<double>(*p.behind) / 1e6) : out.null();
  out.key("newest_event");
  p.max_event_time ? out.time({*p.max_event_time}) : out.null();
  out.key("rate").number(p.rate);
  out.key("read").unsigned_integer(p.read).key("applied").unsigned_integer(p.applied);
  out.key("skipped").unsigned_integer(p.skipped);
  out.key("duplicates").unsigned_integer(p.duplicates);
  out.key("late").unsigned_integer(p.late);
  out.key("dead_letters").unsigned_integer(p.dead_letters).end_object();
}

using simdjson::dom::element;

std::optional<std::uint64_t> optional_number_of(element object, const char* name) {
  const element value = object[name];
  if (value.is_null()) return std::nullopt;
  return number_of(object, name);
}

std::string optional_text_of(element object, const char* name) {
  const element value = object[name];
  return value.is_null() ? "" : text_of(object, name);
}

sources::source_state state_of_text(const std::string& text) {
  using state = sources::source_state;
  for (const state s :
       {state::running, state::waiting, state::paused, state::failed, state::ended}) {
    if (text == to_string(s)) return s;
  }
  return state::stopped;
}

sources::partition_status read_partition(element p) {
  sources::partition_status out;
  out.partition = text_of(p, "partition");
  out.state = state_of_text(text_of(p, "state"));
  out.reason = optional_text_of(p, "reason");
  out.position = number_of(p, "position");
  out.end = optional_number_of(p, "end");
  out.lag = optional_number_of(p, "lag");
  if (!p["behind_seconds"].is_null())
    out.behind = static_cast<std::int64_t>(double(p["behind_seconds"]) * 1e6);
  if (!p["newest_event"].is_null()) out.max_event_time = time_of(p["newest_event"]).micros;
  out.rate = double(p["rate"]);
  out.read = number_of(p, "read");
  out.applied = number_of(p, "applied");
  out.skipped = number_of(p, "skipped");
  out.duplicates = number_of(p, "duplicates");
  out.late = number_of(p, "late");
  out.dead_letters = number_of(p, "dead_letters");
  return out;
}

}  // namespace

std::string sources_json(const std::vector<sources::source_status>& all) {
  json_writer out;
  out.begin_object().key("sources").begin_array();
  for (const sources::source_status& s : all) {
    out.begin_object().key("source").string(s.source).key("kind").string(s.kind);
    out.key("unit").string(schema::to_string(s.unit)).key("state").string(to_string(s.state));
    reason_of(out, s.reason);
    out.key("partitions").begin_array();
    for (const sources::partition_status& p : s.partitions) write_partition(out, p);
    out.end_array().end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

result<std::vector<sources::source_status>> read_sources(std::string_view json) {
  using statuses = std::vector<sources::source_status>;
  return with_json<statuses>(json, errc::io, "the answer", [](element root) -> result<statuses> {
    statuses all;
    for (const element s : simdjson::dom::array(root["sources"])) {
      sources::source_status one;
      one.source = text_of(s, "source");
      one.kind = text_of(s, "kind");
      const std::string unit = text_of(s, "unit");
      const auto known = schema::parse_position_unit(unit);
      if (!known) return failure{errc::io, "the answer counts positions in `" + unit + "`"};
      one.unit = *known;
      one.state = state_of_text(text_of(s, "state"));
      one.reason = optional_text_of(s, "reason");
      for (const element p : simdjson::dom::array(s["partitions"]))
        one.partitions.push_back(read_partition(p));
      all.push_back(std::move(one));
    }
    return all;
  });
}

std::string source_control_json(const sources::source_control& done) {
  json_writer out;
  out.begin_object().key("source").string(done.source).key("partitions").begin_array();
  for (const sources::source_control_step& step : done.steps) {
    out.begin_object().key("partition").string(step.partition).key("unit").string(step.unit);
    out.key("before").unsigned_integer(step.before).key("after").unsigned_integer(step.after);
    out.key("skipped").unsigned_integer(step.skipped);
    out.key("message").string(step.text).end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

result<sources::source_control> read_source_control(std::string_view json) {
  return with_json<sources::source_control>(
      json, errc::io, "the answer", [](element root) -> result<sources::source_control> {
        sources::source_control out{text_of(root, "source"), {}};
        for (const element p : simdjson::dom::array(root["partitions"])) {
          out.steps.push_back({text_of(p, "partition"), text_of(p, "unit"), number_of(p, "before"),
                               number_of(p, "after"), number_of(p, "skipped"),
                               text_of(p, "message")});
        }
        return out;
      });
}

result<source_control_request> read_source_control_request(std::string_view json) {
  source_control_request out;
  if (json.empty()) return out;
  return with_json<source_control_request>(
      json, errc::invalid, "the body", [&](element root) -> result<source_control_request> {
        for (const auto& [name, value] : simdjson::dom::object(root)) {
          const std::string text(std::string_view{value});
          if (name == "partition") {
            out.partition = text;
          } else if (name == "to") {
            out.to = text;
          } else {
            return failure{errc::invalid, no_such("member", name, {"partition", "to"})};
          }
        }
        return out;
      });
}

std::string source_control_request_json(const source_control_request& body) {
  json_writer out;
  out.begin_object();
  if (body.partition) out.key("partition").string(*body.partition);
  if (!body.to.empty()) out.key("to").string(body.to);
  out.end_object();
  return out.take();
}

result<sources::seek_target> parse_seek_target(const std::string& text) {
  using kind = sources::seek_target::kind;
  if (text == "earliest") return sources::seek_target{kind::earliest, 0, 0};
  if (text == "latest") return sources::seek_target{kind::latest, 0, 0};
  std::uint64_t position = 0;
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, position);
  if (number.ec == std::errc() && number.ptr == end)
    return sources::seek_target{kind::position, position, 0};
  if (number.ptr != end && number.ec == std::errc()) {
    if (const auto time = parse_time(text); time.ok())
      return sources::seek_target{kind::time, 0, time->micros};
  }
  return failure{errc::invalid,
                 "`" + text +
                     "` is no place to seek to; give `earliest`, `latest`, a "
                     "position such as 1234, or a time such as 2026-03-01T12:00:00Z"};
}

namespace {
constexpr const body_shape* sources_parts[] = {&count_shape, &time_shape};
constexpr const body_shape* control_parts[] = {&count_shape};
}  // namespace

constinit const body_shape sources_shape{"Sources", R"({"type": "object", "required": ["sources"],
  "properties": {"sources": {"type": "array", "items": {"type": "object",
    "required": ["source", "kind", "unit", "state", "reason", "partitions"],
    "properties": {"source": {"type": "string"}, "kind": {"type": "string"},
      "unit": {"type": "string"}, "state": {"type": "string"},
      "reason": {"type": ["string", "null"]},
      "partitions": {"type": "array", "items": {"type": "object",
        "required": ["partition", "state", "reason", "position", "end", "lag", "behind_seconds",
          "newest_event", "rate", "read", "applied", "skipped", "duplicates", "late",
          "dead_letters"],
        "properties": {"partition": {"type": "string"}, "state": {"type": "string"},
          "reason": {"type": ["string", "null"]}, "position": {"$ref": "Count"},
          "end": {"anyOf": [{"$ref": "Count"}, {"type": "null"}]},
          "lag": {"anyOf": [{"$ref": "Count"}, {"type": "null"}]},
          "behind_seconds": {"type": ["number", "null"]},
          "newest_event": {"anyOf": [{"$ref": "Time"}, {"type": "null"}]},
          "rate": {"type": "number"}, "read": {"$ref": "Count"}, "applied": {"$ref": "Count"},
          "skipped": {"$ref": "Count"}, "duplicates": {"$ref": "Count"}, "late": {"$ref": "Count"},
          "dead_letters": {"$ref": "Count"}}}}}}}}})",
                                         sources_parts};

constinit const body_shape source_control_shape{"SourceControl", R"({"type": "object",
  "required": ["source", "partitions"],
  "properties": {"source": {"type": "string"}, "partitions": {"type": "array", "items": {
    "type": "object", "required": ["partition", "unit", "before", "after", "skipped", "message"],
    "properties": {"partition": {"type": "string"}, "unit": {"type": "string"},
      "before": {"$ref": "Count"}, "after": {"$ref": "Count"}, "skipped": {"$ref": "Count"},
      "message": {"type": "string"}}}}}})",
                                                control_parts};

constinit const body_shape seek_shape{"Seek", R"({"type": "object", "required": ["to"],
  "additionalProperties": false,
  "properties": {"partition": {"type": "string"}, "to": {"anyOf": [
    {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"},
    {"type": "string", "pattern": "^[0-9]{1,13}$"},
    {"type": "string", "enum": ["earliest", "latest"]}]}}})"};

constinit const body_shape partition_shape{"Partition", R"({"type": "object",
  "additionalProperties": false, "properties": {"partition": {"type": "string"}}})"};

}  // namespace windrow::server
