#include "server/api/openapi.hpp"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
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

void write_choice(json_writer& out, std::initializer_list<std::string_view> words) {
  out.key("type").string("string").key("enum").begin_array();
  for (const std::string_view word : words) out.string(word);
  out.end_array();
}

void write_number(json_writer& out, std::uint64_t least) {
  out.key("type").string("integer").key("minimum").unsigned_integer(least);
  out.key("maximum").unsigned_integer(std::numeric_limits<std::uint64_t>::max());
}

void write_pattern(json_writer& out, std::string_view pattern) {
  out.key("type").string("string").key("pattern").string(pattern);
}

/// A time as the API reads it; with `words`, one of them too.
void write_time(json_writer& out, std::initializer_list<std::string_view> words = {}) {
  out.key("anyOf").begin_array();
  for (const std::string_view format : {"date-time", "date"}) {
    out.begin_object().key("type").string("string").key("format").string(format).end_object();
  }
  // Milliseconds, or a position: any of so many digits is within the years 1 to 9999.
  out.begin_object();
  write_pattern(out, words.size() ? "^[0-9]{1,13}$" : "^-?[0-9]{1,13}$");
  out.end_object();
  if (words.size()) {
    out.begin_object();
    write_choice(out, words);
    out.end_object();
  }
  out.end_array();
}

/// What a parameter of that name takes, wherever it stands.
void write_values(json_writer& out, std::string_view name) {
  if (name == "now") return write_time(out);
  if (name == "at" || name == "limit") return write_number(out, 0);
  if (name == "wait") return write_choice(out, {"applied", "durable"});
  if (name == "verify") return write_choice(out, {"true", "false"});
  if (name == "messages") return write_choice(out, {"whole"});
  if (name == "Windrow-Sequence") return write_number(out, 1);
  if (name == "Windrow-Producer") {
    out.key("minLength").integer(1).key("maxLength").integer(256);
    return write_pattern(out, "^[!-~]([ -~]*[!-~])?$");
  }
  write_pattern(out, "^[^\\u0000]*$");
}

void write_parameter(json_writer& out, std::string_view name, std::string_view in, bool required,
                     bool repeated, std::string_view about) {
  out.begin_object().key("name").string(name).key("in").string(in);
  out.key("required").boolean(required);
  if (!about.empty()) out.key("description").string(about);
  out.key("schema").begin_object();
  if (repeated) {
    out.key("type").string("array").key("items").begin_object();
    write_values(out, name);
    out.end_object();
  } else {
    write_values(out, name);
  }
  out.end_object();
  if (repeated) out.key("explode").boolean(true);
  out.end_object();
}

void write_bytes(json_writer& out) {
  out.key("type").string("string").key("format").string("binary");
  out.key("description").string("Cap'n Proto: see /v1/api.capnp");
}

void write_answer(json_writer& out, std::string_view about, std::span<const std::string_view> types,
                  std::string_view schema) {
  out.begin_object().key("description").string(about).key("content").begin_object();
  for (const std::string_view type : types) {
    out.key(type).begin_object().key("schema").begin_object();
    if (!schema.empty()) {
      out.key("$ref").string("#/components/schemas/" + std::string(schema));
    } else if (type == capnp_type) {
      write_bytes(out);
    } else {
      out.key("type").string(type == "application/json" ? "object" : "string");
    }
    out.end_object().end_object();
  }
  out.end_object().end_object();
}

/// How a body of that type and operation looks.
void write_body_schema(json_writer& out, const route& r, std::string_view type) {
  out.key("schema").begin_object();
  if (type == capnp_type) {
    write_bytes(out);
  } else if (r.operation == "query") {
    out.key("$ref").string("#/components/schemas/Query");
  } else if (type == "application/json" && r.operation != "push") {
    out.key("$ref").string(r.operation == "seek_source" ? "#/components/schemas/Seek"
                                                        : "#/components/schemas/Partition");
  } else if (type == "application/json") {
    out.key("type").begin_array().string("array").string("object").end_array();
  } else {
    out.key("type").string("string");
  }
  out.end_object();
}

void write_operation(json_writer& out, const route& r) {
  out.begin_object().key("operationId").string(r.operation).key("summary").string(r.summary);
  out.key("parameters").begin_array();
  for (const std::string& name : names_in(r.pattern)) {
    write_parameter(out, name, "path", true, false, {});
  }
  for (const query_parameter& p : r.parameters) {
    write_parameter(out, p.name, p.header ? "header" : "query", p.required, p.repeated, p.about);
  }
  out.end_array();
  if (!r.bodies.empty()) {
    // Without one, all of a source is meant.
    const bool whole = r.operation == "pause_source" || r.operation == "resume_source" ||
                       r.operation == "reset_source";
    out.key("requestBody").begin_object().key("required").boolean(!whole);
    out.key("content").begin_object();
    for (const std::string_view type : r.bodies) {
      out.key(type).begin_object();
      write_body_schema(out, r, type);
      out.end_object();
    }
    out.end_object().end_object();
  }
  out.key("security").begin_array();
  if (r.covers != scope::open) {
    out.begin_object().key("token").begin_array().end_array().end_object();
  }
  out.end_array().key("responses").begin_object().key("200");
  write_answer(out, r.summary, r.answers, {});
  out.key("default");
  write_answer(out, "Why it was not done", std::span(&problem_type, 1), "Problem");
  out.end_object().end_object();
}

void write_member(json_writer& out, std::string_view name, std::string_view type) {
  out.key(name).begin_object().key("type").string(type).end_object();
}

void write_required(json_writer& out, std::initializer_list<std::string_view> names) {
  out.key("required").begin_array();
  for (const std::string_view name : names) out.string(name);
  out.end_array();
}

void write_query(json_writer& out) {
  out.key("Query").begin_object().key("type").string("object");
  write_required(out, {"entities", "features"});
  out.key("additionalProperties").boolean(false).key("properties").begin_object();
  out.key("entities").begin_object().key("type").string("array").key("minItems").integer(1);
  out.key("items").begin_object().key("type").string("object");
  write_required(out, {"class", "key"});
  out.key("additionalProperties").boolean(false).key("properties").begin_object();
  write_member(out, "class", "string");
  out.key("key").begin_object().key("type").begin_array();
  out.string("string").string("integer").string("boolean").end_array();
  out.key("minimum").integer(std::numeric_limits<std::int64_t>::min());
  out.key("maximum").integer(std::numeric_limits<std::int64_t>::max()).end_object();
  out.key("now").begin_object();
  write_time(out);
  out.end_object().end_object().end_object().end_object();
  out.key("features").begin_object().key("type").string("array").key("minItems").integer(1);
  out.key("items").begin_object().key("type").string("string").end_object().end_object();
  out.key("now").begin_object();
  write_time(out);
  out.end_object().end_object().end_object();
}

/// The body of what is done to a source; all of it, or one partition.
void write_steering(json_writer& out, std::string_view name, bool to) {
  out.key(name).begin_object().key("type").string("object");
  if (to) write_required(out, {"to"});
  out.key("additionalProperties").boolean(false).key("properties").begin_object();
  write_member(out, "partition", "string");
  if (to) {
    out.key("to").begin_object();
    write_time(out, {"earliest", "latest"});
    out.end_object();
  }
  out.end_object().end_object();
}

void write_components(json_writer& out) {
  out.key("components").begin_object().key("securitySchemes").begin_object();
  out.key("token").begin_object().key("type").string("http").key("scheme").string("bearer");
  out.end_object().end_object().key("schemas").begin_object();
  out.key("Problem").begin_object().key("type").string("object");
  write_required(out, {"type", "title", "status", "detail", "code"});
  out.key("properties").begin_object();
  for (const std::string_view name : {"type", "title", "detail", "code"}) {
    write_member(out, name, "string");
  }
  write_member(out, "status", "integer");
  out.end_object().end_object();
  write_query(out);
  write_steering(out, "Partition", false);
  write_steering(out, "Seek", true);
  out.end_object().end_object();
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
