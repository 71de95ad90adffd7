#include "server/api/openapi.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "server/api/route_table.hpp"
#include "server/body/body_codec.hpp"
#include "server/body/json_writer.hpp"
#include "server/body/problem.hpp"

namespace windrow::server {
namespace {

std::vector<std::string> names_in(std::string_view pattern) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t begin = pattern.find('{');
    if (begin == std::string_view::npos) return out;
    const std::size_t end = pattern.find('}', begin);
    out.emplace_back(pattern.substr(begin + 1, end - begin - 1));
    pattern.remove_prefix(end + 1);
  }
}

/// A schema with the names of other shapes as the document writes them.
std::string with_places(std::string_view schema) {
  constexpr std::string_view reference = "\"$ref\": \"";
  std::string out;
  while (true) {
    const std::size_t at = schema.find(reference);
    if (at == std::string_view::npos) return out.append(schema);
    out.append(schema.substr(0, at + reference.size())).append("#/components/schemas/");
    schema.remove_prefix(at + reference.size());
  }
}

/// The shapes of the document, by name.
class shapes {
public:
  shapes() {
    add(problem_shape);
    add(time_given_shape);  // of parameters
    for (const route& r : routes()) {
      if (r.answer) add(*r.answer);
      if (r.body) add(*r.body);
    }
  }

  void write(json_writer& out) const {
    out.key("schemas").begin_object();
    for (const auto& [name, shape] : by_name_) out.key(name).raw(with_places(shape->schema));
    out.end_object();
  }

private:
  void add(const body_shape& shape) {
    if (!by_name_.emplace(shape.name, &shape).second) return;
    for (const body_shape* other : shape.refers_to) add(*other);
  }

  std::map<std::string_view, const body_shape*> by_name_;
};

void write_parameter(json_writer& out, const query_parameter& p, std::string_view in) {
  out.begin_object().key("name").string(p.name).key("in").string(in);
  out.key("required").boolean(p.required);
  if (!p.about.empty()) out.key("description").string(p.about);
  out.key("schema");
  if (p.repeated) {
    out.begin_object().key("type").string("array").key("items").raw(with_places(p.takes));
    out.end_object().key("explode").boolean(true);
  } else {
    out.raw(with_places(p.takes));
  }
  out.end_object();
}

/// What a request or an answer holds: `shape` is that of the JSON among `types`.
void write_content(json_writer& out, std::span<const std::string_view> types,
                   const body_shape* shape) {
  out.key("content").begin_object();
  for (const std::string_view type : types) {
    out.key(type).begin_object().key("schema").begin_object();
    if (type == capnp_type) {
      out.key("type").string("string").key("format").string("binary");
      out.key("description").string("Cap'n Proto: see /v1/api.capnp");
    } else if (shape && (type == "application/json" || type == problem_type)) {
      out.key("$ref").string("#/components/schemas/" + std::string(shape->name));
    } else {
      out.key("type").string("string");
    }
    out.end_object().end_object();
  }
  out.end_object();
}

void write_answer(json_writer& out, std::string_view about, std::span<const std::string_view> types,
                  const body_shape* shape) {
  out.begin_object().key("description").string(about);
  write_content(out, types, shape);
  out.end_object();
}

void write_operation(json_writer& out, const route& r) {
  out.begin_object().key("operationId").string(r.operation).key("summary").string(r.summary);
  out.key("parameters").begin_array();
  for (const std::string& name : names_in(r.pattern)) {
    write_parameter(out, {.name = name, .required = true}, "path");
  }
  for (const query_parameter& p : r.parameters) {
    write_parameter(out, p, p.header ? "header" : "query");
  }
  out.end_array();
  if (!r.bodies.empty()) {
    out.key("requestBody").begin_object().key("required").boolean(!r.body_optional);
    write_content(out, r.bodies, r.body);
    out.end_object();
  }
  out.key("security").begin_array();
  if (r.covers != scope::open) {
    out.begin_object().key("token").begin_array().end_array().end_object();
  }
  out.end_array().key("responses").begin_object().key("200");
  write_answer(out, r.summary, r.answers, r.answer);
  out.key("default");
  write_answer(out, "Why it was not done", std::span(&problem_type, 1), &problem_shape);
  out.end_object().end_object();
}

void write_components(json_writer& out) {
  out.key("components").begin_object().key("securitySchemes").begin_object();
  out.key("token").begin_object().key("type").string("http").key("scheme").string("bearer");
  out.end_object().end_object();
  shapes().write(out);
  out.end_object();
}

}  // namespace

std::string openapi_json() {
  json_writer out;
  out.begin_object().key("openapi").string("3.1.0").key("info").begin_object();
  out.key("title").string("windrow").key("version").string("1");
  out.key("description").string("Windowed aggregations per entity, read and fed over HTTP.");
  out.end_object().key("paths").begin_object();
  std::set<std::string_view> done;
  for (const route& first : routes()) {
    if (!done.insert(first.pattern).second) continue;
    out.key(first.pattern).begin_object();
    for (const route& r : routes()) {
      if (r.pattern != first.pattern) continue;
      out.key(r.method == "GET" ? "get" : "post");
      write_operation(out, r);
    }
    out.end_object();
  }
  out.end_object();
  write_components(out);
  out.end_object();
  return out.take() + "\n";
}

}  // namespace windrow::server
