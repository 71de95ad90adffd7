#include <algorithm>
#include <tuple>
#include <utility>

#include "base/suggest.hpp"
#include "schema/catalog/definition_id.hpp"
#include "schema/expression/rewrite.hpp"
#include "schema/plan/planner_state.hpp"

namespace windrow::schema {
namespace {

/// What a rule keeps in a tile beside the row count.
struct needed_partials {
  std::optional<partial_kind> value;
  bool non_null = false;
};

needed_partials partials_of(aggregation function, const value_type& argument) {
  const bool whole = argument.kind == value_kind::integer;
  switch (function) {
    case aggregation::count:
      return {};
    case aggregation::sum:
    case aggregation::mean:
      return {whole ? partial_kind::sum_int : partial_kind::sum_float, argument.nullable};
    case aggregation::min:
      return {whole ? partial_kind::min_int : partial_kind::min_float, argument.nullable};
    case aggregation::max:
      return {whole ? partial_kind::max_int : partial_kind::max_float, argument.nullable};
    case aggregation::std:
    case aggregation::var:
      return {partial_kind::moments, argument.nullable};
    case aggregation::approx_count_distinct:
      return {partial_kind::distinct, false};
  }
  return {};
}

int index_of(const std::vector<partial>& partials, partial_kind kind, int argument) {
  for (std::size_t i = 0; i < partials.size(); ++i) {
    if (partials[i].kind == kind && partials[i].argument == argument) return static_cast<int>(i);
  }
  return none;
}

}  // namespace

void planner_state::infer_updates() {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const planner_stream& from = streams[i];
    for (std::size_t k = 0; k < p.all_series.size(); ++k) {
      const schema::series& to = p.all_series[k];
      inference found;
      found.stream = static_cast<int>(i);
      found.series = static_cast<int>(k);
      const auto outputs = from.outputs.find(to.child_class);
      std::vector<std::string> missing;
      for (const std::string& field : series[k].needs) {
        if (outputs != from.outputs.end() && outputs->second.count(field) > 0) continue;
        missing.push_back(to.child_class + "." + field);
      }
      if (outputs == from.outputs.end()) {
        found.reason = "does not, because it outputs no feature of " + to.child_class + " (" +
                       join_words(missing) + (missing.size() > 1 ? " are" : " is") + " needed)";
      } else if (!missing.empty()) {
        found.reason = "does not, because it does not output " + join_words(missing);
      } else if (!from.declared->updates_materialized_aggregations) {
        found.reason = "does not, because updates_materialized_aggregations is false";
      } else {
        found.updates = true;
      }
      p.inferences.push_back(std::move(found));
    }
  }
}

void planner_state::plan_timelines() {
  std::map<std::uint64_t, int> by_id;
  for (std::size_t k = 0; k < p.all_series.size(); ++k) {
    schema::series& s = p.all_series[k];
    definition_hash id("timeline");
    id.add_id(p.key_spaces[static_cast<std::size_t>(s.key_space)].id).add(s.child_class);
    id.add(static_cast<std::int64_t>(s.join_key.size()));
    for (const std::string& field : s.join_key) id.add(field);
    id.add(s.filter);
    bool updated = false;
    for (const inference& i : p.inferences) {
      if (i.series != static_cast<int>(k) || !i.updates) continue;
      id.add(p.streams[static_cast<std::size_t>(i.stream)].name);
      updated = true;
    }
    if (!updated) note_idle_series(static_cast<int>(k));
    const auto [found, fresh] = by_id.emplace(id.finish(), static_cast<int>(p.timelines.size()));
    s.timeline = found->second;
    if (!fresh) continue;
    p.timelines.push_back({id.finish(), s.key_space, s.child_class, s.filter});
  }
}

void planner_state::note_idle_series(int index) {
  for (const int r : p.all_series[static_cast<std::size_t>(index)].rules) {
    for (const int v : p.rules[static_cast<std::size_t>(r)].window_values) {
      const window_value& value = p.window_values[static_cast<std::size_t>(v)];
      const windowed_feature& f = p.windowed_features[static_cast<std::size_t>(value.feature)];
      const std::string& owner = p.classes[static_cast<std::size_t>(f.entity_class)].name;
      out.note(file.at("features/" + owner + "/" + f.name),
               "no stream updates " + ticked(owner + "." + f.name) + ": its windows stay empty");
    }
  }
}

void planner_state::plan_tilings() {
  std::map<std::tuple<int, std::int64_t, std::int64_t>, int> by_buckets;
  for (std::size_t k = 0; k < p.rules.size(); ++k) {
    rule& r = p.rules[k];
    const schema::series& s = p.all_series[static_cast<std::size_t>(r.series)];
    const auto [duration, origin] = rule_buckets[k];
    const auto [found, fresh] = by_buckets.emplace(std::tuple{s.timeline, duration, origin},
                                                   static_cast<int>(p.tilings.size()));
    r.tiling = found->second;
    if (fresh) {
      tiling t;
      t.id = definition_hash("tiling")
                 .add_id(p.timelines[static_cast<std::size_t>(s.timeline)].id)
                 .add(duration)
                 .add(origin)
                 .finish();
      t.timeline = s.timeline;
      t.key_space = s.key_space;
      t.duration = duration;
      t.origin = origin;
      p.tilings.push_back(std::move(t));
    }
    tiling& t = p.tilings[static_cast<std::size_t>(r.tiling)];
    t.retention = std::max(t.retention, r.retention);
  }
  for (std::size_t i = 0; i < p.tilings.size(); ++i) plan_partials(static_cast<int>(i));
  for (key_space& space : p.key_spaces) {
    std::sort(space.tilings.begin(), space.tilings.end(), [&](int a, int b) {
      const tiling& x = p.tilings[static_cast<std::size_t>(a)];
      const tiling& y = p.tilings[static_cast<std::size_t>(b)];
      const std::uint64_t x_id = p.timelines[static_cast<std::size_t>(x.timeline)].id;
      const std::uint64_t y_id = p.timelines[static_cast<std::size_t>(y.timeline)].id;
      return std::tuple(-x.duration, x_id, x.origin) < std::tuple(-y.duration, y_id, y.origin);
    });
  }
}

void planner_state::plan_partials(int index) {
  tiling& t = p.tilings[static_cast<std::size_t>(index)];
  p.key_spaces[static_cast<std::size_t>(t.key_space)].tilings.push_back(index);
  std::map<std::string, value_type> arguments;
  std::set<std::pair<std::string, partial_kind>> partials;
  for (const rule& r : p.rules) {
    if (r.tiling != index || r.function == aggregation::count) continue;
    const std::string& text = p.all_series[static_cast<std::size_t>(r.series)].argument;
    const value_type& type = series[static_cast<std::size_t>(r.series)].argument_type;
    const needed_partials needed = partials_of(r.function, type);
    arguments.emplace(text, type);
    if (needed.value) partials.emplace(text, *needed.value);
    if (needed.non_null) partials.emplace(text, partial_kind::non_null);
  }
  // In the order of their definitions, so that a record's layout does not depend on names.
  for (const auto& [text, type] : arguments) {
    t.arguments.push_back(text);
    t.argument_types.push_back(type);
  }
  const auto argument_of = [&](const std::string& text) {
    const auto found = std::find(t.arguments.begin(), t.arguments.end(), text);
    return static_cast<int>(found - t.arguments.begin());
  };
  for (const auto& [text, kind] : partials) t.partials.push_back({kind, argument_of(text)});
  for (rule& r : p.rules) {
    if (r.tiling != index || r.function == aggregation::count) continue;
    const int argument = argument_of(p.all_series[static_cast<std::size_t>(r.series)].argument);
    const needed_partials needed =
        partials_of(r.function, series[static_cast<std::size_t>(r.series)].argument_type);
    if (needed.value) r.value_partial = index_of(t.partials, *needed.value, argument);
    if (!needed.non_null) continue;
    r.non_null_partial = index_of(t.partials, partial_kind::non_null, argument);
  }
}

}  // namespace windrow::schema
