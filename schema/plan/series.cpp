#include <algorithm>
#include <cmath>
#include <utility>

#include "base/suggest.hpp"
#include "schema/catalog/definition_id.hpp"
#include "schema/expression/rewrite.hpp"
#include "schema/plan/bind_aggregate.hpp"
#include "schema/plan/planner_state.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

/// Buckets are numbered with 32 bits within their retention; an eighth is room to move on in.
constexpr std::int64_t buckets_max = 3'758'096'384;
constexpr std::int64_t retention_max = 2 * duration_all;

std::string text_of(const expression_ptr& e) { return e ? canonical(*e) : std::string(); }

std::string text_of(const windrow::value& v) {
  expression e;
  e.literal = v;
  return canonical(e);
}

/// The declared default in the type of the result; nothing if it does not fit.
std::optional<windrow::value> converted(const windrow::value& given, value_kind kind) {
  if (const auto* whole = std::get_if<std::int64_t>(&given)) {
    if (kind == value_kind::integer) return given;
    if (kind == value_kind::floating) return windrow::value(static_cast<double>(*whole));
    return std::nullopt;
  }
  const auto* number = std::get_if<double>(&given);
  if (number == nullptr || !std::isfinite(*number)) return std::nullopt;
  if (kind == value_kind::floating) return given;
  if (kind != value_kind::integer) return std::nullopt;
  if (std::trunc(*number) != *number || std::fabs(*number) > 9e15) return std::nullopt;
  return windrow::value(static_cast<std::int64_t>(*number));
}

}  // namespace

void planner_state::plan_windowed_features() {
  for (std::size_t i = 0; i < classes.size(); ++i) {
    for (const windowed_declaration& declared : classes[i].declared->windowed) {
      plan_windowed(static_cast<int>(i), declared);
    }
  }
}

void planner_state::plan_windowed(int class_index, const windowed_declaration& declared) {
  const planner_class& owner = classes[static_cast<std::size_t>(class_index)];
  const declared_path path = owner.path + "/" + declared.name;
  const expression_ptr e = expression_at(path + "/expression", declared.expression);
  if (!e) return;
  if (e->op != expression_op::aggregate || !e->call) {
    out.error(e->at, "the expression of " + ticked(declared.name) +
                         " must be one aggregation over a has_many; write such as "
                         "`_.transactions[_.amount].sum()`");
    return;
  }
  const auto& relations = owner.declared->relations;
  const auto relation = std::find_if(relations.begin(), relations.end(),
                                     [&](const auto& r) { return r.name == e->call->relation; });
  if (relation == relations.end()) {
    if (file.is_broken(owner.path + "/" + e->call->relation)) return;
    std::vector<std::string> names;
    for (const relation_declaration& r : relations) names.push_back(r.name);
    out.error(e->at, ticked(owner.declared->name) + " has no has_many " +
                         ticked(e->call->relation) + "; " + did_you_mean(e->call->relation, names));
    return;
  }
  const auto child_index = class_by_name.find(relation->child_class);
  if (child_index == class_by_name.end()) return;
  const planner_class& child = classes[static_cast<std::size_t>(child_index->second)];
  const auto bound = bind_aggregate(*e, child, *this);
  if (!bound || bad_relations.count(owner.path + "/" + relation->name) > 0) return;

  std::vector<join_pair> pairs = relation->join;
  std::sort(pairs.begin(), pairs.end(),
            [](const join_pair& a, const join_pair& b) { return a.child_field < b.child_field; });
  const int space = key_space_of_join(class_index, *relation, pairs,
                                      file.at(owner.path + "/" + relation->name + "/join"));
  if (space == none) return;

  windowed_feature feature;
  feature.name = declared.name;
  feature.fqn =
      p.classes[static_cast<std::size_t>(class_index)].namespace_name + "." + declared.name;
  feature.entity_class = class_index;
  feature.function = bound->function->function;
  feature.type = bound->function->result_type(bound->argument_type);
  const std::string& primary_key = p.classes[static_cast<std::size_t>(class_index)].primary_key;
  for (const join_pair& pair : pairs) {
    feature.local_key.push_back(
        pair.local_field == primary_key ? none : owner.scalars.find(pair.local_field)->second);
  }
  if (declared.default_value && !declared.default_value->is_null()) {
    feature.default_value = converted(*declared.default_value, feature.type.kind);
    if (!feature.default_value) {
      out.error(file.at(path + "/default"), "the default of " + ticked(declared.name) +
                                                " must be " + ticked(to_string(feature.type)) +
                                                ", as its values are");
      return;
    }
    if (!feature.type.nullable) {
      out.note(file.at(path + "/default"), "the default of " + ticked(declared.name) +
                                               " is idle: " + ticked(bound->function->name) +
                                               " is never null, an empty window gives " +
                                               text_of(bound->function->empty));
    }
    feature.type.nullable = false;
  }
  const int series_index = series_of(space, *relation, pairs, *bound);
  planner_series& made = series[static_cast<std::size_t>(series_index)];
  if (made.readable_join.empty()) {
    for (const join_pair& pair : pairs) {
      if (!made.readable_join.empty()) made.readable_join += " & ";
      made.readable_join += owner.declared->name + "." + pair.local_field +
                            " == " + relation->child_class + "." + pair.child_field;
    }
  }
  const int feature_index = static_cast<int>(p.windowed_features.size());
  p.windowed_features.push_back(std::move(feature));
  p.classes[static_cast<std::size_t>(class_index)].windowed_features.push_back(feature_index);
  plan_windows(feature_index, series_index, *bound, declared, path);
}

int planner_state::key_space_of_join(int class_index, const relation_declaration& relation,
                                     const std::vector<join_pair>& pairs, source_position at) {
  const entity_class& entity = p.classes[static_cast<std::size_t>(class_index)];
  const planner_class& owner = classes[static_cast<std::size_t>(class_index)];
  if (entity.key_space == none) return none;  // its primary key is an error of its own
  if (pairs.size() == 1 && pairs[0].local_field == entity.primary_key) return entity.key_space;
  const planner_class& child =
      classes[static_cast<std::size_t>(class_by_name.find(relation.child_class)->second)];
  key_space space;
  definition_hash id("key_space");
  id.add("join").add(relation.child_class);
  std::string names;
  bool good = true;
  for (const join_pair& pair : pairs) {
    value_type type = child.fields.find(pair.child_field)->second->type;
    type.nullable = false;
    id.add(pair.child_field).add(to_string(type));
    if (pair.local_field == entity.primary_key) {
      if (space.placement_parts.empty()) {
        space.placement_parts.push_back(static_cast<int>(space.parts.size()));
        space.placed_by = entity.key_space;
      }
    } else if (owner.scalars.count(pair.local_field) == 0) {
      good = false;
      out.error(at, "the join of " + ticked(relation.name) + " reads " +
                        ticked(entity.name + "." + pair.local_field) +
                        ", which is not stored; give it `max_staleness: infinity` and "
                        "`etl_offline_to_online: true`, or join on " +
                        ticked(entity.name + "." + entity.primary_key));
    }
    names += (names.empty() ? "" : ", ") + pair.child_field;
    space.parts.push_back(std::move(type));
    space.part_names.push_back(pair.child_field);
  }
  if (!good) return none;
  if (space.placement_parts.empty()) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      space.placement_parts.push_back(static_cast<int>(i));
    }
  }
  for (const int part : space.placement_parts) id.add(std::int64_t{part});
  space.id = id.finish();
  space.name = relation.child_class + " by " + (pairs.size() > 1 ? "(" + names + ")" : names);
  const auto [found, fresh] =
      key_space_by_id.emplace(space.id, static_cast<int>(p.key_spaces.size()));
  if (fresh) p.key_spaces.push_back(std::move(space));
  return found->second;
}

int planner_state::series_of(int key_space, const relation_declaration& relation,
                             const std::vector<join_pair>& pairs, const bound_aggregate& bound) {
  schema::series s;
  s.child_class = relation.child_class;
  s.argument = text_of(bound.argument);
  s.second_argument = text_of(bound.second_argument);
  s.filter = text_of(bound.filter);
  s.key_space = key_space;
  definition_hash id("series");
  id.add_id(p.key_spaces[static_cast<std::size_t>(key_space)].id).add(s.child_class);
  id.add(static_cast<std::int64_t>(pairs.size()));
  for (const join_pair& pair : pairs) {
    s.join_key.push_back(pair.child_field);
    id.add(pair.child_field);
  }
  id.add(s.argument).add(bound.argument ? to_string(bound.argument_type) : "").add(s.filter);
  if (bound.second_argument) {
    id.add("second").add(s.second_argument).add(to_string(bound.second_argument_type));
  }
  s.id = id.finish();
  const auto [found, fresh] = series_by_id.emplace(s.id, static_cast<int>(p.all_series.size()));
  if (!fresh) return found->second;

  planner_series more;
  more.argument = bound.argument;
  more.argument_type = bound.argument_type;
  more.second_argument = bound.second_argument;
  more.second_argument_type = bound.second_argument_type;
  more.filter = bound.filter;
  std::set<std::string> needs(s.join_key.begin(), s.join_key.end());
  for (const expression_ptr& e : {bound.argument, bound.second_argument, bound.filter}) {
    if (!e) continue;
    for (const std::string& name : attributes_of(*e)) needs.insert(name);
  }
  more.needs.assign(needs.begin(), needs.end());
  series.push_back(std::move(more));
  p.all_series.push_back(std::move(s));
  return found->second;
}

void planner_state::plan_windows(int feature, int series_index, const bound_aggregate& bound,
                                 const windowed_declaration& declared, const declared_path& path) {
  std::vector<window_declaration> windows = declared.windows;
  std::sort(windows.begin(), windows.end(),
            [](const auto& a, const auto& b) { return a.window < b.window; });
  if (windows.empty() && !file.is_broken(path)) {
    out.error(file.at(path), ticked(declared.name) + " has no window; write `windowed: [1h]`");
  }
  windowed_feature& of = p.windowed_features[static_cast<std::size_t>(feature)];
  for (const window_declaration& w : windows) {
    const std::string place = std::to_string(w.window);
    const source_position window_at = file.at(path + "/windowed/" + place);
    const source_position bucket_at = file.at(path + "/bucket/" + place);
    const std::string length = format_duration(w.window);
    if (w.window <= 0 || w.window > duration_all || w.window % micros_per_second != 0) {
      out.error(window_at,
                "a window is a whole number of seconds and at most `all`, not " + length);
      continue;
    }
    if (w.bucket_duration <= 0 || w.bucket_duration > w.window) {
      out.error(bucket_at, "the bucket of " + format_duration(w.bucket_duration) +
                               " is longer than its window of " + length + "; write " + length +
                               " or less");
      continue;
    }
    const std::int64_t needed = w.window + w.bucket_duration;
    const std::int64_t retention = declared.retention.value_or(needed);
    if (retention < w.window) {
      out.error(file.at(path + "/retention"), "the retention of " + format_duration(retention) +
                                                  " is shorter than the window of " + length +
                                                  "; write " + length + " or more");
      continue;
    }
    if (retention > retention_max || retention / w.bucket_duration >= buckets_max) {
      out.error(bucket_at, "a retention of " + format_duration(retention) + " in buckets of " +
                               format_duration(w.bucket_duration) +
                               " is too many buckets; write a longer bucket");
      continue;
    }
    // Already so in a file's catalog; any number may stand in one that was handed in.
    const std::int64_t origin =
        (w.bucket_origin % w.bucket_duration + w.bucket_duration) % w.bucket_duration;
    const int rule = rule_of(series_index, bound, w.bucket_duration, origin);
    window_value value;
    const std::string suffix =
        w.all ? std::string("all") : std::to_string(w.window / micros_per_second);
    value.fqn = of.fqn + "__" + suffix + "__";
    value.feature = feature;
    value.window = w.window;
    value.all = w.all;
    value.rule = rule;
    schema::rule& r = p.rules[static_cast<std::size_t>(rule)];
    r.retention = std::max(r.retention, retention);
    const int index = static_cast<int>(p.window_values.size());
    r.window_values.push_back(index);
    of.window_values.push_back(index);
    p.window_values.push_back(std::move(value));
  }
}

int planner_state::rule_of(int series_index, const bound_aggregate& bound, std::int64_t duration,
                           std::int64_t origin) {
  schema::series& owner = p.all_series[static_cast<std::size_t>(series_index)];
  definition_hash definition("rule");
  definition.add_id(owner.id).add(bound.function->name).add(duration).add(origin);
  for (const windrow::value& v : bound.parameters) definition.add("parameter").add(text_of(v));
  const std::uint64_t id = definition.finish();
  const auto [found, fresh] = rule_by_id.emplace(id, static_cast<int>(p.rules.size()));
  if (!fresh) return found->second;
  schema::rule r;
  r.id = id;
  r.series = series_index;
  r.function = bound.function->function;
  r.parameters = bound.parameters;
  rules.push_back(
      {bound.function->partials(bound.argument_type, bound.parameters), duration, origin});
  owner.rules.push_back(found->second);
  p.rules.push_back(std::move(r));
  return found->second;
}

}  // namespace windrow::schema
