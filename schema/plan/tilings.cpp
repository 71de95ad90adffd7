#include <algorithm>
#include <tuple>
#include <utility>

#include "base/suggest.hpp"
#include "schema/catalog/definition_id.hpp"
#include "schema/expression/rewrite.hpp"
#include "schema/plan/planner_state.hpp"

namespace windrow::schema {
namespace {

/// A partial before its arguments have indexes. In the order of tiles: that of definitions, so that
/// a record's layout does not depend on names.
using planned_partial = std::tuple<std::string, partial_kind, std::string, std::int64_t>;

planned_partial value_partial_of(const schema::series& s, const needed_partial& needed) {
  return {s.argument, needed.kind, needed.second_argument ? s.second_argument : "",
          needed.parameter};
}

planned_partial non_null_partial_of(const schema::series& s) {
  return {s.argument, partial_kind::non_null, "", 0};
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

void planner_state::plan_watermark_groups() {
  std::map<std::uint64_t, int> by_id;
  for (std::size_t k = 0; k < p.all_series.size(); ++k) {
    schema::series& s = p.all_series[k];
    definition_hash id("timeline");  // as ids in folders were computed
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
    const auto [found, fresh] =
        by_id.emplace(id.finish(), static_cast<int>(p.watermark_groups.size()));
    s.watermark_group = found->second;
    if (!fresh) continue;
    p.watermark_groups.push_back({id.finish(), s.key_space, s.child_class, s.filter});
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
    const std::int64_t duration = rules[k].duration, origin = rules[k].origin;
    const auto [found, fresh] = by_buckets.emplace(std::tuple{s.watermark_group, duration, origin},
                                                   static_cast<int>(p.tilings.size()));
    r.tiling = found->second;
    if (fresh) {
      tiling t;
      t.id = definition_hash("tiling")
                 .add_id(p.watermark_groups[static_cast<std::size_t>(s.watermark_group)].id)
                 .add(duration)
                 .add(origin)
                 .finish();
      t.watermark_group = s.watermark_group;
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
      const std::uint64_t x_id = p.watermark_groups[static_cast<std::size_t>(x.watermark_group)].id;
      const std::uint64_t y_id = p.watermark_groups[static_cast<std::size_t>(y.watermark_group)].id;
      return std::tuple(-x.duration, x_id, x.origin) < std::tuple(-y.duration, y_id, y.origin);
    });
  }
}

void planner_state::plan_partials(int index) {
  tiling& t = p.tilings[static_cast<std::size_t>(index)];
  p.key_spaces[static_cast<std::size_t>(t.key_space)].tilings.push_back(index);
  std::map<std::string, value_type> arguments;
  std::set<planned_partial> partials;
  for (std::size_t k = 0; k < p.rules.size(); ++k) {
    const needed_partials& needed = rules[k].partials;
    if (p.rules[k].tiling != index || !needed.value) continue;
    const auto at = static_cast<std::size_t>(p.rules[k].series);
    const schema::series& s = p.all_series[at];
    arguments.emplace(s.argument, series[at].argument_type);
    if (needed.value->second_argument) {
      arguments.emplace(s.second_argument, series[at].second_argument_type);
    }
    partials.insert(value_partial_of(s, *needed.value));
    if (needed.non_null) partials.insert(non_null_partial_of(s));
  }
  for (const auto& [text, type] : arguments) {
    t.arguments.push_back(text);
    t.argument_types.push_back(type);
  }
  const auto argument_of = [&](const std::string& text) {
    const auto found = arguments.find(text);
    return found == arguments.end() ? none
                                    : static_cast<int>(std::distance(arguments.begin(), found));
  };
  for (const auto& [text, kind, second, parameter] : partials) {
    t.partials.push_back(
        {kind, argument_of(text), second.empty() ? none : argument_of(second), parameter});
  }
  const auto index_of = [&](const planned_partial& wanted) {
    return static_cast<int>(std::distance(partials.begin(), partials.find(wanted)));
  };
  for (std::size_t k = 0; k < p.rules.size(); ++k) {
    rule& r = p.rules[k];
    const needed_partials& needed = rules[k].partials;
    if (r.tiling != index || !needed.value) continue;
    const schema::series& s = p.all_series[static_cast<std::size_t>(r.series)];
    r.value_partial = index_of(value_partial_of(s, *needed.value));
    if (needed.non_null) r.non_null_partial = index_of(non_null_partial_of(s));
  }
}

}  // namespace windrow::schema
