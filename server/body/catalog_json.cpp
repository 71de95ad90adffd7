#include "server/body/catalog_json.hpp"

#include "server/body/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

void write_scalar(json_writer& out, const schema::scalar& s) {
  out.begin_object().key("feature").string(s.fqn).key("kind").string("scalar");
  out.key("type").string(to_string(s.type));
  out.key("max_staleness").string(format_duration(s.max_staleness)).end_object();
}

void write_windowed(json_writer& out, const schema::plan& plan, const schema::windowed_feature& f) {
  out.begin_object().key("feature").string(f.fqn).key("kind").string("windowed");
  out.key("type").string(to_string(f.type));
  out.key("aggregation").string(to_string(f.function));
  if (f.default_value) out.key("default").value(*f.default_value);
  out.key("windows").begin_array();
  for (const int index : f.window_values) {
    const schema::window_value& v = plan.window_values[static_cast<std::size_t>(index)];
    const schema::rule& rule = plan.rules[static_cast<std::size_t>(v.rule)];
    const schema::tiling& tiling = plan.tilings[static_cast<std::size_t>(rule.tiling)];
    out.begin_object().key("feature").string(v.fqn);
    out.key("window").string(v.all ? "all" : format_duration(v.window));
    out.key("bucket").string(format_duration(tiling.duration)).end_object();
  }
  out.end_array().end_object();
}

void write_class(json_writer& out, const schema::plan& plan, const schema::entity_class& c) {
  out.begin_object().key("class").string(c.name);
  out.key("primary_key").string(c.primary_key).key("key_type").string(to_string(c.key_type));
  out.key("features").begin_array();
  for (const int s : c.scalars) write_scalar(out, plan.scalars[static_cast<std::size_t>(s)]);
  for (const int f : c.windowed_features) {
    write_windowed(out, plan, plan.windowed_features[static_cast<std::size_t>(f)]);
  }
  out.end_array().end_object();
}

void write_stream(json_writer& out, const schema::plan& plan, const schema::stream& s) {
  out.begin_object().key("stream").string(s.name);
  out.key("source").string(plan.sources[static_cast<std::size_t>(s.source)].name);
  out.key("message").begin_object();
  for (const schema::message_field& f : s.message) out.key(f.name).string(to_string(f.type));
  out.end_object().end_object();
}

}  // namespace

std::string catalog_json(const schema::plan& plan) {
  json_writer out;
  out.begin_object().key("catalog_version").integer(plan.catalog_version);
  out.key("classes").begin_array();
  for (const schema::entity_class& c : plan.classes) write_class(out, plan, c);
  out.end_array().key("sources").begin_array();
  for (const schema::source& s : plan.sources) {
    out.begin_object().key("source").string(s.name);
    out.key("kind").string(s.kind->name).end_object();
  }
  out.end_array().key("streams").begin_array();
  for (const schema::stream& s : plan.streams) write_stream(out, plan, s);
  out.end_array().end_object();
  return out.take() + "\n";
}

std::vector<std::string> features_of_class(const schema::plan& plan, int entity_class) {
  const auto& c = plan.classes[static_cast<std::size_t>(entity_class)];
  std::vector<std::string> out;
  for (const int s : c.scalars) out.push_back(plan.scalars[static_cast<std::size_t>(s)].fqn);
  for (const int f : c.windowed_features) {
    out.push_back(plan.windowed_features[static_cast<std::size_t>(f)].fqn);
  }
  if (out.empty()) out.push_back(c.primary_key);
  return out;
}

namespace {
constexpr const body_shape* catalog_parts[] = {&value_shape};
}

constinit const body_shape catalog_shape{"Catalog", R"({"type": "object",
  "required": ["catalog_version", "classes", "sources", "streams"],
  "properties": {"catalog_version": {"type": "integer"},
    "classes": {"type": "array", "items": {"type": "object",
      "required": ["class", "primary_key", "key_type", "features"],
      "properties": {"class": {"type": "string"}, "primary_key": {"type": "string"},
        "key_type": {"type": "string"}, "features": {"type": "array", "items": {"type": "object",
          "required": ["feature", "kind", "type"],
          "properties": {"feature": {"type": "string"}, "kind": {"enum": ["scalar", "windowed"]},
            "type": {"type": "string"}, "max_staleness": {"type": "string"},
            "aggregation": {"type": "string"}, "default": {"$ref": "Value"},
            "windows": {"type": "array", "items": {"type": "object",
              "required": ["feature", "window", "bucket"],
              "properties": {"feature": {"type": "string"}, "window": {"type": "string"},
                "bucket": {"type": "string"}}}}}}}}}},
    "sources": {"type": "array", "items": {"type": "object", "required": ["source", "kind"],
      "properties": {"source": {"type": "string"}, "kind": {"type": "string"}}}},
    "streams": {"type": "array", "items": {"type": "object",
      "required": ["stream", "source", "message"],
      "properties": {"stream": {"type": "string"}, "source": {"type": "string"},
        "message": {"type": "object", "additionalProperties": {"type": "string"}}}}}}})",
                                         catalog_parts};

}  // namespace windrow::server
