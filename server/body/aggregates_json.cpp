#include "server/body/aggregates_json.hpp"

#include "schema/check_report.hpp"
#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

using simdjson::dom::element;

/// `User.sum_amount[10m, 1h], User.mean_amount[1h]`: what reads a rule.
std::string readers_of(const schema::plan& plan, const schema::rule& rule) {
  std::string out;
  int feature = schema::none;
  for (const int index : rule.window_values) {
    const schema::window_value& v = plan.window_values[static_cast<std::size_t>(index)];
    if (v.feature == feature) {
      out += ", ";
    } else {
      const auto& f = plan.windowed_features[static_cast<std::size_t>(v.feature)];
      out += (out.empty() ? "" : "], ") +
             plan.classes[static_cast<std::size_t>(f.entity_class)].name + "." + f.name + "[";
    }
    out += v.all ? "all" : format_duration(v.window);
    feature = v.feature;
  }
  return out.empty() ? out : out + "]";
}

void write_rule(json_writer& out, const aggregate_listing::rule& rule) {
  out.begin_object().key("aggregation").string(rule.aggregation);
  out.key("bucket_seconds").number(static_cast<double>(rule.bucket) / 1e6);
  out.key("origin_seconds").number(static_cast<double>(rule.origin) / 1e6);
  out.key("retention_seconds").number(static_cast<double>(rule.retention) / 1e6);
  out.key("tiling").unsigned_integer(rule.tiling);
  out.key("groups").unsigned_integer(rule.holds.groups);
  out.key("tiles").unsigned_integer(rule.holds.tiles);
  out.key("bytes").unsigned_integer(rule.holds.bytes);
  out.key("late_events").unsigned_integer(rule.holds.late);
  out.key("features").begin_array();
  for (const std::string& name : rule.features) out.string(name);
  out.end_array().key("readers").string(rule.readers).end_object();
}

std::int64_t micros_of(element object, const char* name) {
  return static_cast<std::int64_t>(double(object[name]) * 1e6 + 0.5);
}

aggregate_listing::rule read_rule(element from) {
  aggregate_listing::rule out;
  out.aggregation = text_of(from, "aggregation");
  out.bucket = micros_of(from, "bucket_seconds");
  out.origin = micros_of(from, "origin_seconds");
  out.retention = micros_of(from, "retention_seconds");
  out.tiling = number_of(from, "tiling");
  out.holds = {number_of(from, "groups"), number_of(from, "tiles"), number_of(from, "bytes"),
               number_of(from, "late_events")};
  for (const element name : simdjson::dom::array(from["features"])) {
    out.features.emplace_back(std::string_view(name));
  }
  out.readers = text_of(from, "readers");
  return out;
}

}  // namespace

aggregate_listing list_aggregates(const schema::plan& plan,
                                  const std::vector<node::rule_statistics>& found) {
  aggregate_listing out;
  out.catalog_version = plan.catalog_version;
  for (std::size_t i = 0; i < plan.all_series.size(); ++i) {
    const schema::series& s = plan.all_series[i];
    aggregate_listing::series line;
    line.text = schema::describe_series(plan, static_cast<int>(i));
    line.group = plan.key_spaces[static_cast<std::size_t>(s.key_space)].name;
    for (const int r : s.rules) {
      const schema::rule& rule = plan.rules[static_cast<std::size_t>(r)];
      const schema::tiling& tiling = plan.tilings[static_cast<std::size_t>(rule.tiling)];
      aggregate_listing::rule one;
      one.aggregation = schema::describe_function(rule);
      one.bucket = tiling.duration;
      one.origin = tiling.origin;
      one.retention = rule.retention;
      one.tiling = static_cast<std::uint64_t>(rule.tiling);
      one.holds = found[static_cast<std::size_t>(r)];
      for (const int v : rule.window_values) {
        one.features.push_back(plan.window_values[static_cast<std::size_t>(v)].fqn);
      }
      one.readers = readers_of(plan, rule);
      line.rules.push_back(std::move(one));
    }
    out.all_series.push_back(std::move(line));
  }
  return out;
}

std::string aggregates_json(const aggregate_listing& what) {
  json_writer out;
  out.begin_object().key("catalog_version").unsigned_integer(what.catalog_version);
  out.key("series").begin_array();
  for (const auto& s : what.all_series) {
    out.begin_object().key("series").string(s.text).key("group").string(s.group);
    out.key("rules").begin_array();
    for (const auto& rule : s.rules) write_rule(out, rule);
    out.end_array().end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

result<aggregate_listing> read_aggregates(std::string_view json) {
  return with_json<aggregate_listing>(
      json, errc::io, "the answer", [](element root) -> result<aggregate_listing> {
        aggregate_listing out;
        out.catalog_version = number_of(root, "catalog_version");
        for (const element s : simdjson::dom::array(root["series"])) {
          aggregate_listing::series line;
          line.text = text_of(s, "series");
          line.group = text_of(s, "group");
          for (const element r : simdjson::dom::array(s["rules"]))
            line.rules.push_back(read_rule(r));
          out.all_series.push_back(std::move(line));
        }
        return out;
      });
}

namespace {
constexpr const body_shape* aggregates_parts[] = {&count_shape};
}

constinit const body_shape aggregates_shape{"Aggregates", R"({"type": "object",
  "required": ["catalog_version", "series"],
  "properties": {"catalog_version": {"type": "integer"},
    "series": {"type": "array", "items": {"type": "object",
      "required": ["series", "group", "rules"],
      "properties": {"series": {"type": "string"}, "group": {"type": "string"},
        "rules": {"type": "array", "items": {"type": "object",
          "required": ["aggregation", "bucket_seconds", "origin_seconds", "retention_seconds",
            "tiling", "groups", "tiles", "bytes", "late_events", "features", "readers"],
          "properties": {"aggregation": {"type": "string"}, "bucket_seconds": {"type": "number"},
            "origin_seconds": {"type": "number"}, "retention_seconds": {"type": "number"},
            "tiling": {"$ref": "Count"}, "groups": {"$ref": "Count"}, "tiles": {"$ref": "Count"},
            "bytes": {"$ref": "Count"}, "late_events": {"$ref": "Count"},
            "features": {"type": "array", "items": {"type": "string"}},
            "readers": {"type": "string"}}}}}}}}})",
                                            aggregates_parts};

}  // namespace windrow::server
