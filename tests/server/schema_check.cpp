#include "tests/server/schema_check.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "windrow/time.hpp"

namespace windrow::test {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;
using shapes = std::map<std::string, element, std::less<>>;

constexpr std::string_view schemas_at = "#/components/schemas/";

/// Keywords that say nothing about values.
const std::set<std::string_view> words{"description", "format"};

bool is_of(std::string_view type, element value) {
  switch (value.type()) {
    case element_type::NULL_VALUE:
      return type == "null";
    case element_type::BOOL:
      return type == "boolean";
    case element_type::STRING:
      return type == "string";
    case element_type::INT64:
    case element_type::UINT64:
      return type == "integer" || type == "number";
    case element_type::DOUBLE:
      return type == "number";
    case element_type::ARRAY:
      return type == "array";
    case element_type::OBJECT:
      return type == "object";
  }
  return false;
}

class checker {
public:
  explicit checker(const shapes& all) : shapes_(all) {}

  std::vector<std::string> faults;

  void check(element schema, element value, const std::string& at, bool whole = true) {
    for (const auto [key, what] : object(schema)) keyword(key, what, schema, value, at);
    if (whole && value.is<object>()) check_known(schema, value, at);
  }

private:
  element shape(std::string_view reference) {
    if (reference.starts_with(schemas_at)) {
      const auto found = shapes_.find(reference.substr(schemas_at.size()));
      if (found != shapes_.end()) return found->second;
    }
    throw std::runtime_error("a reference to nothing: " + std::string(reference));
  }

  void fault(const std::string& at, const std::string& what) { faults.push_back(at + ": " + what); }

  void keyword(std::string_view key, element what, element schema, element value,
               const std::string& at) {
    if (key == "type") return check_type(what, value, at);
    if (key == "$ref") return check(shape(std::string_view(what)), value, at, false);
    if (key == "required") return check_required(what, value, at);
    if (key == "properties") return check_properties(what, value, at);
    if (key == "items") return check_items(what, value, at);
    if (key == "enum") return check_enum(what, value, at);
    if (key == "anyOf") return check_any(what, value, at);
    if (key == "minimum") {
      double number = 0;
      if (value.get(number) == simdjson::SUCCESS && number < double(what))
        fault(at, "is too small");
      return;
    }
    if (key == "allOf") {
      for (const element part : array(what)) check(part, value, at, false);
      return;
    }
    if (key == "additionalProperties") return check_others(what, schema, value, at);
    if (key == "format" && std::string_view(what) == "date-time") {
      if (value.is<std::string_view>() && !parse_time(std::string_view(value))) {
        fault(at, "is no time");
      }
      return;
    }
    if (!words.count(key)) fault(at, "this check does not know " + std::string(key));
  }

  void check_type(element what, element value, const std::string& at) {
    if (what.is<std::string_view>()) {
      if (!is_of(std::string_view(what), value)) fault(at, "is no " + std::string(what));
      return;
    }
    const array types(what);
    if (std::none_of(types.begin(), types.end(),
                     [&](element t) { return is_of(std::string_view(t), value); })) {
      fault(at, "is of none of its types");
    }
  }

  void check_required(element names, element value, const std::string& at) {
    if (!value.is<object>()) return;
    for (const element name : array(names)) {
      element member;
      if (value[std::string_view(name)].get(member) != simdjson::SUCCESS) {
        fault(at, "has no " + std::string(std::string_view(name)));
      }
    }
  }

  void check_properties(element properties, element value, const std::string& at) {
    if (!value.is<object>()) return;
    for (const auto [name, schema] : object(properties)) {
      element member;
      if (value[name].get(member) == simdjson::SUCCESS) {
        check(schema, member, at + "." + std::string(name));
      }
    }
  }

  void check_items(element schema, element value, const std::string& at) {
    if (!value.is<array>()) return;
    int n = 0;
    for (const element item : array(value)) {
      check(schema, item, at + "[" + std::to_string(n++) + "]");
    }
  }

  void check_enum(element words_of, element value, const std::string& at) {
    for (const element word : array(words_of)) {
      if (value.is<std::string_view>() && std::string_view(word) == std::string_view(value)) return;
    }
    fault(at, "is none of its words");
  }

  void check_any(element choices, element value, const std::string& at) {
    for (const element choice : array(choices)) {
      checker one(shapes_);
      one.check(choice, value, at);
      if (one.faults.empty()) return;
    }
    fault(at, "is nothing that it may be");
  }

  void check_others(element what, element schema, element value, const std::string& at) {
    if (!value.is<object>() || what.is<bool>()) return;
    for (const auto [name, member] : object(value)) {
      element stated;
      if (schema["properties"][name].get(stated) != simdjson::SUCCESS) {
        check(what, member, at + "." + std::string(name));
      }
    }
  }

  /// Collects the members that a schema states; false if it states that there may be others.
  bool members_of(element schema, std::set<std::string_view>& out) {
    bool closed = true;
    for (const auto [key, what] : object(schema)) {
      if (key == "properties") {
        for (const auto [name, of] : object(what)) out.insert(name);
      }
      if (key == "additionalProperties") closed = what.is<bool>() && !bool(what);
      if (key == "$ref") closed = members_of(shape(std::string_view(what)), out) && closed;
      if (key == "anyOf") closed = false;  // each choice was checked as a whole
      if (key != "allOf") continue;
      for (const element part : array(what)) closed = members_of(part, out) && closed;
    }
    return closed;
  }

  void check_known(element schema, element value, const std::string& at) {
    std::set<std::string_view> known;
    if (!members_of(schema, known)) return;
    for (const auto [name, member] : object(value)) {
      if (!known.count(name)) fault(at, std::string(name) + " is not stated");
    }
  }

  const shapes& shapes_;
};

void own_faults_of(element schema, const std::string& at, const shapes& all,
                   std::vector<std::string>& out) {
  if (schema.is<array>()) {
    for (const element part : array(schema)) own_faults_of(part, at, all, out);
  }
  if (!schema.is<object>()) return;
  for (const auto [key, what] : object(schema)) {
    if (key == "$ref") {
      const std::string_view name = std::string_view(what).substr(schemas_at.size());
      if (!all.count(name)) out.push_back(at + ": refers to " + std::string(name));
    }
    if (key == "required" && what.is<array>()) {
      for (const element name : array(what)) {
        element stated;
        if (schema["properties"][std::string_view(name)].get(stated) != simdjson::SUCCESS) {
          out.push_back(at + ": requires " + std::string(std::string_view(name)));
        }
      }
    }
    own_faults_of(what, at + "/" + std::string(key), all, out);
  }
}

}  // namespace

api_description::api_description(const std::string& document) {
  root_ = parser_.parse(document);
  for (const auto [name, schema] : object(root_["components"]["schemas"])) {
    shapes_.emplace(name, schema);
  }
  for (const auto [path, methods] : object(root_["paths"])) {
    for (const auto [method, operation] : object(methods)) {
      element schema;
      const std::string name{std::string_view(operation["operationId"])};
      const element content = operation["responses"]["200"]["content"];
      if (content["application/json"]["schema"].get(schema) == simdjson::SUCCESS) {
        answers_.emplace(name, schema);
      }
    }
  }
}

std::vector<std::string> api_description::faults_of(std::string_view operation,
                                                    const std::string& body) {
  const auto schema = answers_.find(operation);
  if (schema == answers_.end()) return {"nothing is stated of " + std::string(operation)};
  simdjson::dom::parser parser;
  checker check(shapes_);
  check.check(schema->second, parser.parse(body), std::string(operation));
  return check.faults;
}

std::vector<std::string> api_description::faults_of_shape(std::string_view name,
                                                          const std::string& body) {
  const auto schema = shapes_.find(name);
  if (schema == shapes_.end()) return {"there is no shape " + std::string(name)};
  simdjson::dom::parser parser;
  checker check(shapes_);
  check.check(schema->second, parser.parse(body), std::string(name));
  return check.faults;
}

std::vector<std::string> api_description::own_faults() {
  std::vector<std::string> out;
  for (const auto& [name, schema] : shapes_) own_faults_of(schema, name, shapes_, out);
  own_faults_of(root_["paths"], "paths", shapes_, out);
  return out;
}

}  // namespace windrow::test
