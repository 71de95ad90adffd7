#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/rewrite.hpp"
#include "schema/plan/planner_state.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

value_type nullable(value_kind kind) {
  value_type out;
  out.kind = kind;
  out.nullable = true;
  return out;
}

bool fits_inside(const value_type& given, const value_type& wanted);

/// Whether a value of `given` may be one of `wanted`, of the same kind and nulls aside.
bool parts_fit(const value_type& given, const value_type& wanted) {
  if (given.kind == value_kind::list || given.kind == value_kind::map) {
    return given.element && wanted.element && fits_inside(*given.element, *wanted.element);
  }
  if (given.kind != value_kind::structure) return true;
  return given.fields && wanted.fields &&
         std::equal(given.fields->begin(), given.fields->end(), wanted.fields->begin(),
                    wanted.fields->end(), [](const struct_field& a, const struct_field& b) {
                      return a.name == b.name && fits_inside(a.type, b.type);
                    });
}

bool fits_inside(const value_type& given, const value_type& wanted) {
  return given.kind == wanted.kind && (wanted.nullable || !given.nullable) &&
         parts_fit(given, wanted);
}

/// Whether a value of `given` may become a feature of `wanted`, nulls aside.
bool fits(const value_type& given, const value_type& wanted) {
  if (given.kind == value_kind::integer && wanted.kind == value_kind::floating) return true;
  return given.kind == wanted.kind && parts_fit(given, wanted);
}

/// `_.message_headers["h"]` as the name of a column.
std::string column_name(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& part : path) out += (out.empty() ? "" : ".") + part;
  return out;
}

}  // namespace

int planner_stream::output_of(const expression_ptr& e) {
  const auto [found, fresh] = by_text.emplace(canonical(*e), static_cast<int>(program.size()));
  if (fresh) program.push_back(e);
  return found->second;
}

std::optional<value_type> planner_stream::attribute_type(
    const std::vector<std::string>& path) const {
  if (path.size() == 2 && path[0] == "message_headers") return nullable(value_kind::text);
  const auto found = attributes.find(column_name(path));
  if (found == attributes.end()) return std::nullopt;
  return found->second;
}

void planner_state::plan_stream_outputs() {
  for (const stream_declaration& declared : declarations.streams) {
    const int index = static_cast<int>(p.streams.size());
    planner_stream s;
    s.declared = &declared;
    s.path = "streams/" + declared.name;
    stream made;
    made.name = declared.name;
    for (const planner_stream& other : streams) {
      if (other.declared->name != declared.name) continue;
      out.error(file.at(s.path), "the stream " + ticked(declared.name) + " is declared twice");
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < p.sources.size(); ++i) {
      names.push_back(p.sources[i].name);
      if (p.sources[i].name == declared.source) made.source = static_cast<int>(i);
    }
    if (made.source == none && !declared.source.empty() &&
        !file.is_broken("sources/" + declared.source)) {
      out.error(file.at(s.path + "/source"), "unknown source " + ticked(declared.source) + "; " +
                                                 did_you_mean(declared.source, names));
    }
    for (const auto& [name, type] : declared.message) {
      if (!s.attributes.emplace(name, type).second) {
        out.error(file.at(s.path + "/message/" + name),
                  "the message key " + ticked(name) + " is given twice; keep one");
      }
      made.message.push_back({name, type});
    }
    s.attributes["message_key"] = nullable(value_kind::text);
    s.attributes["message_time"] = nullable(value_kind::datetime);
    streams.push_back(std::move(s));
    p.streams.push_back(std::move(made));
    plan_parse(index);
    if (declared.output.empty() && !file.is_broken("streams/" + declared.name)) {
      out.error(file.at("streams/" + declared.name),
                "the stream " + ticked(declared.name) +
                    " outputs nothing; write such as `output: { User.id: _.id }`");
    }
    for (const auto& [name, text] : declared.output) plan_output(index, name, text);
    plan_event_time(index);
    plan_deduplication(index);
  }
}

std::optional<value_type> planner_state::type_in_stream(int index, const expression& e) {
  const planner_stream& s = streams[static_cast<std::size_t>(index)];
  std::vector<std::string> known;
  for (const auto& [name, _] : s.attributes) known.push_back(name);
  const std::string owner = "the message of " + ticked(s.declared->name);
  if (!check_attributes(e, known, owner, s.path + "/message")) return std::nullopt;
  const auto type =
      type_of(e, [&](const std::vector<std::string>& path) { return s.attribute_type(path); });
  if (type) return type.value;
  out.error(type.error->at, type.error->message);
  return std::nullopt;
}

void planner_state::plan_parse(int index) {
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  if (s.declared->parse.empty()) return;
  const expression_ptr e = expression_at(s.path + "/parse", s.declared->parse);
  if (!e) return;
  const auto type = type_in_stream(index, *e);
  if (!type) return;
  if (!type->nullable) {
    out.note(e->at, "`parse` of the stream " + ticked(s.declared->name) +
                        " is never null, so it skips no message");
  }
  p.streams[static_cast<std::size_t>(index)].parse_output = s.output_of(e);
}

void planner_state::plan_deduplication(int index) {
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  if (!s.declared->deduplication) return;
  const declared_path path = s.path + "/deduplication/on";
  const expression_ptr e = expression_at(path, s.declared->deduplication->on);
  const auto type = e ? type_in_stream(index, *e) : std::nullopt;
  if (!type) return;
  if (type->kind == value_kind::floating || !is_plain(type->kind)) {
    out.error(e->at, "`on` of the deduplication of " + ticked(s.declared->name) + " is " +
                         ticked(to_string(*type)) +
                         "; an id is `str`, `int`, `bool` or `datetime`");
    return;
  }
  const std::int64_t within = s.declared->deduplication->within;
  if (within <= 0 || within >= duration_all) {
    out.error(file.at(s.path + "/deduplication"),
              "`within` of the deduplication of " + ticked(s.declared->name) +
                  " is above zero and limited; write such as `within: 24h`");
    return;
  }
  if (type->nullable) {
    out.note(e->at, "messages of the stream " + ticked(s.declared->name) +
                        " for which `on` is null are never duplicates");
  }
  p.streams[static_cast<std::size_t>(index)].deduplication = {s.output_of(e), within};
}

void planner_state::plan_output(int index, const std::string& name, const std::string& text) {
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  const declared_path path = s.path + "/output/" + name;
  const source_position at = file.at(path);
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) {
    out.error(at, "an output names a feature such as `User.id`, not " + ticked(name));
    return;
  }
  std::string class_name = name.substr(0, dot);
  const std::string field_name = name.substr(dot + 1);
  for (const entity_class& c : p.classes) {
    if (c.namespace_name == class_name) class_name = c.name;
  }
  const int class_index = find_class(class_name, at);
  if (class_index == none) return;
  const planner_class& c = classes[static_cast<std::size_t>(class_index)];
  const auto field = c.fields.find(field_name);
  const expression_ptr e = expression_at(path + "/expression", text);
  const auto type = e ? type_in_stream(index, *e) : std::nullopt;
  if (field == c.fields.end()) {
    if (!file.is_broken(c.path + "/" + field_name)) report_unknown_output(c, field_name, at);
    return;
  }
  if (!type) return;
  const std::string feature = class_name + "." + field_name;
  const value_type& wanted = field->second->type;
  if (!fits(*type, wanted)) {
    out.error(e->at, ticked(feature) + " is " + ticked(to_string(wanted)) + ", but this is " +
                         ticked(to_string(*type)) + "; change the one or the other");
    return;
  }
  const bool widened = type->kind == value_kind::integer && wanted.kind == value_kind::floating;
  const expression_ptr output = widened ? as_float(e) : e;
  if (!s.outputs[class_name].emplace(field_name, output).second) {
    out.error(at, ticked(feature) + " is output twice; keep one");
    return;
  }
  if (type->nullable && !wanted.nullable) {
    p.streams[static_cast<std::size_t>(index)].required.push_back({s.output_of(output), feature});
  }
}

void planner_state::report_unknown_output(const planner_class& c, const std::string& field_name,
                                          source_position at) {
  const std::string feature = c.declared->name + "." + field_name;
  for (const windowed_declaration& w : c.declared->windowed) {
    if (w.name != field_name) continue;
    out.error(at, ticked(feature) + " is windowed: it is computed and cannot be an output");
    return;
  }
  for (const relation_declaration& r : c.declared->relations) {
    if (r.name != field_name) continue;
    out.error(at, ticked(feature) +
                      " is a has_many and cannot be an output; output the fields "
                      "of " +
                      ticked(r.child_class));
    return;
  }
  std::vector<std::string> names;
  for (const auto& [known, _] : c.fields) names.push_back(known);
  out.error(at, ticked(c.declared->name) + " has no field " + ticked(field_name) + "; " +
                    did_you_mean(field_name, names));
}

void planner_state::plan_event_time(int index) {
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  std::string first;
  for (const auto& [class_name, fields] : s.outputs) {
    const planner_class& c =
        classes[static_cast<std::size_t>(class_by_name.find(class_name)->second)];
    const auto time = fields.find(c.feature_time);
    if (c.feature_time.empty() || time == fields.end()) continue;
    stream& made = p.streams[static_cast<std::size_t>(index)];
    const int output = s.output_of(time->second);
    const std::string feature = class_name + "." + c.feature_time;
    if (made.time_output != none && made.time_output != output) {
      out.error(file.at(s.path + "/output/" + feature),
                "the stream " + ticked(s.declared->name) + " outputs two event times, " +
                    ticked(first) + " and " + ticked(feature) +
                    "; a message has one: output the same value or make two streams");
      return;
    }
    made.time_output = output;
    first = feature;
  }
}

}  // namespace windrow::schema
