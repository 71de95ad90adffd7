#include "schema/plan/planner.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/rewrite.hpp"
#include "schema/plan/planner_state.hpp"

namespace windrow::schema {

planner_state::planner_state(const declaration_file& from, diagnostics& to,
                             aggregation_table functions)
    : file(from),
      out(to),
      aggregations(functions),
      declarations(in_name_order(from.declarations)) {}

expression_ptr planner_state::expression_at(const declared_path& path, const std::string& text) {
  if (const auto found = file.expressions.find(path); found != file.expressions.end()) {
    return found->second;
  }
  expression_result<expression_ptr> parsed = parse_expression(text);
  if (parsed) return parsed.value;
  out.error(file.at(path), "in " + path + ": " + parsed.error->message);
  return nullptr;
}

int planner_state::find_class(std::string_view name, source_position at) {
  if (const auto found = class_by_name.find(name); found != class_by_name.end()) {
    return found->second;
  }
  if (file.is_broken("features/" + std::string(name))) return none;
  std::vector<std::string> names;
  for (const class_declaration& c : declarations.classes) names.push_back(c.name);
  out.error(at, "unknown class " + ticked(name) + "; " + did_you_mean(name, names));
  return none;
}

bool planner_state::check_attributes(const expression& e, const std::vector<std::string>& known,
                                     const std::string& owner, const declared_path& broken_prefix) {
  bool good = true;
  for_each_attribute(e, [&](const expression& a) {
    if (a.op == expression_op::header) return;
    if (a.path.empty()) {
      out.error(a.at, "`_` is the whole row; write a field of it such as `_.id`");
      good = false;
      return;
    }
    const std::string& name = a.path[0];
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      good = false;
      if (file.is_broken(broken_prefix + "/" + name)) return;
      out.error(a.at, owner + " has no field " + ticked(name) + "; " + did_you_mean(name, known));
    } else if (a.path.size() > 1) {
      good = false;
      out.error(a.at,
                ticked("_." + name) + " has no fields of its own; write " + ticked("_." + name));
    }
  });
  return good;
}

/// Declarations may also come from elsewhere than the YAML reader, which has looked already.
void planner_state::check_settings(const source_kind& kind, const source_declaration& declared) {
  for (const source_setting& required : kind.settings) {
    const bool given =
        std::any_of(declared.settings.begin(), declared.settings.end(), [&](const auto& setting) {
          return setting.first == required.name && !setting.second.empty();
        });
    if (given || !required.required) continue;
    out.error(file.at("sources/" + declared.name),
              "the source " + ticked(declared.name) + " has no " + std::string(required.name));
  }
}

void planner_state::plan_sources() {
  for (const source_declaration& declared : declarations.sources) {
    source s;
    s.name = declared.name;
    const source_kind* kind = find_source_kind(declared.kind);
    if (kind == nullptr) {
      out.error(file.at("sources/" + s.name), "unknown kind " + ticked(declared.kind) +
                                                  " of the source " + ticked(s.name) +
                                                  "; there are: " + source_kind_names());
    } else {
      s.kind = kind;
      check_settings(*kind, declared);
    }
    s.settings = declared.settings;
    for (const auto& [key, text] : declared.settings) {
      if (key == "path") s.path = text;
      std::int64_t* limit = key == "max_future_skew"         ? &s.max_future_skew
                            : key == "late_arrival_deadline" ? &s.late_arrival_deadline
                                                             : nullptr;
      if (limit == nullptr) continue;
      const char* end = text.data() + text.size();
      if (const auto [p_end, e] = std::from_chars(text.data(), end, *limit);
          e != std::errc() || p_end != end || *limit < 0) {
        out.error(file.at("sources/" + s.name),
                  ticked(key) + " of the source " + ticked(s.name) + " is not a duration");
      }
    }
    const bool twice = std::any_of(p.sources.begin(), p.sources.end(),
                                   [&](const source& other) { return other.name == s.name; });
    if (twice) {
      out.error(file.at("sources/" + s.name),
                "the source " + ticked(s.name) + " is declared twice; rename one");
    }
    p.sources.push_back(std::move(s));
  }
}

void planner_state::finish() {
  p.catalog_version = declarations.version;
  p.digest = digest_of(declarations);
}

planned make_plan(const declaration_file& file, diagnostics& out, aggregation_table aggregations) {
  planner_state state(file, out, aggregations);
  state.plan_classes();
  state.plan_sources();
  state.plan_windowed_features();
  state.plan_stream_outputs();
  // What follows only connects things that are right by themselves.
  if (!out.has_errors()) {
    state.infer_updates();
    state.plan_watermark_groups();
    state.plan_tilings();
    state.plan_routes();
    state.finish();
  }
  return {std::make_shared<plan>(std::move(state.p)), std::move(state.idle_outputs)};
}

}  // namespace windrow::schema
