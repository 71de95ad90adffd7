#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/rewrite.hpp"
#include "schema/plan/planner_state.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

/// A column of `r` holding the program's output, added where it is not there yet.
int column_of(route& r, int output) {
  const auto found = std::find(r.columns.begin(), r.columns.end(), output);
  if (found == r.columns.end()) {
    r.columns.push_back(output);
    return static_cast<int>(r.columns.size()) - 1;
  }
  return static_cast<int>(found - r.columns.begin());
}

/// An expression over a child's features as one over the message.
expression_ptr over_message(const expression_ptr& e,
                            const std::map<std::string, expression_ptr>& outputs) {
  return substitute(e, [&](const std::vector<std::string>& path) -> expression_ptr {
    const auto found = path.size() == 1 ? outputs.find(path[0]) : outputs.end();
    return found == outputs.end() ? nullptr : found->second;
  });
}

}  // namespace

route& planner_state::route_of(int stream_index, int key_space, const std::vector<int>& key) {
  stream& owner = p.streams[static_cast<std::size_t>(stream_index)];
  for (const int index : owner.routes) {
    route& r = p.routes[static_cast<std::size_t>(index)];
    if (r.key_space == key_space && r.key == key) return r;
  }
  owner.routes.push_back(static_cast<int>(p.routes.size()));
  route r;
  r.stream = stream_index;
  r.key_space = key_space;
  r.key = key;
  return p.routes.emplace_back(std::move(r));
}

void planner_state::plan_routes() {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const int index = static_cast<int>(i);
    route_scalars(index);
    for (std::size_t t = 0; t < p.watermark_groups.size(); ++t)
      route_watermark_group(index, static_cast<int>(t));
    compile_resolver(index);
    explain_idle_outputs(index);
  }
}

void planner_state::route_scalars(int index) {
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  for (const auto& [class_name, outputs] : s.outputs) {
    const int class_index = class_by_name.find(class_name)->second;
    const planner_class& c = classes[static_cast<std::size_t>(class_index)];
    const entity_class& entity = p.classes[static_cast<std::size_t>(class_index)];
    const auto key = outputs.find(entity.primary_key);
    if (key == outputs.end()) continue;
    for (const auto& [field, e] : outputs) {
      const auto stored = c.scalars.find(field);
      if (stored == c.scalars.end()) continue;
      const int output = s.output_of(e);
      route& r = route_of(index, entity.key_space, {s.output_of(key->second)});
      r.scalars.push_back({stored->second, column_of(r, output)});
    }
  }
}

expression_ptr planner_state::argument_expression(int watermark_group,
                                                  const std::string& text) const {
  for (std::size_t i = 0; i < p.all_series.size(); ++i) {
    if (p.all_series[i].watermark_group != watermark_group) continue;
    if (p.all_series[i].argument == text) return series[i].argument;
    if (p.all_series[i].second_argument == text) return series[i].second_argument;
  }
  return nullptr;
}

void planner_state::route_watermark_group(int index, int watermark_group_index) {
  // Series of one watermark group see the same rows: the first speaks for all.
  const auto first = std::find_if(p.all_series.begin(), p.all_series.end(), [&](const auto& s) {
    return s.watermark_group == watermark_group_index;
  });
  const auto first_index = static_cast<std::size_t>(first - p.all_series.begin());
  const bool updates =
      std::any_of(p.inferences.begin(), p.inferences.end(), [&](const inference& found) {
        return found.updates && found.stream == index &&
               found.series == static_cast<int>(first_index);
      });
  if (!updates) return;
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  const auto& outputs = s.outputs.find(first->child_class)->second;
  std::vector<int> key;
  for (const std::string& field : first->join_key) {
    key.push_back(s.output_of(outputs.find(field)->second));
  }
  route& r = route_of(index, first->key_space, key);
  int filter = none;
  if (const expression_ptr& e = series[first_index].filter) {
    filter = column_of(r, s.output_of(over_message(e, outputs)));
  }
  r.watermark_groups.push_back({watermark_group_index, filter});
  for (std::size_t i = 0; i < p.tilings.size(); ++i) {
    const tiling& t = p.tilings[i];
    if (t.watermark_group != watermark_group_index) continue;
    route::tiling_update update;
    update.tiling = static_cast<int>(i);
    update.filter = filter;
    for (const std::string& text : t.arguments) {
      const expression_ptr e = argument_expression(watermark_group_index, text);
      update.arguments.push_back(column_of(r, s.output_of(over_message(e, outputs))));
    }
    r.tilings.push_back(std::move(update));
  }
}

void planner_state::compile_resolver(int index) {
  planner_stream& s = streams[static_cast<std::size_t>(index)];
  stream& made = p.streams[static_cast<std::size_t>(index)];
  std::set<std::string> envelope;
  for (const expression_ptr& e : s.program) {
    if (!type_in_stream(index, *e)) return;
    for (const std::string& name : attributes_of(*e)) {
      if (name == "message_key" || name == "message_time" || name.starts_with("message_headers.")) {
        envelope.insert(name);
      }
    }
  }
  std::vector<program::input> inputs;
  for (const message_field& field : made.message) inputs.push_back({field.name, field.type});
  for (const std::string& name : envelope) {
    value_type type;
    type.kind = name == "message_time" ? value_kind::datetime : value_kind::text;
    type.nullable = true;
    inputs.push_back({name, type});
  }
  made.envelope.assign(envelope.begin(), envelope.end());
  made.resolve = std::make_shared<const program>(program::compile(std::move(inputs), s.program));
}

void planner_state::explain_idle_outputs(int index) {
  const planner_stream& s = streams[static_cast<std::size_t>(index)];
  for (const auto& [class_name, outputs] : s.outputs) {
    const int class_index = class_by_name.find(class_name)->second;
    const planner_class& c = classes[static_cast<std::size_t>(class_index)];
    const std::string& key = p.classes[static_cast<std::size_t>(class_index)].primary_key;
    const bool has_key = outputs.count(key) > 0;
    const bool stores = has_key && std::any_of(outputs.begin(), outputs.end(), [&](const auto& o) {
                          return c.scalars.count(o.first) > 0;
                        });
    for (const auto& [field, _] : outputs) {
      const std::string feature = class_name + "." + field;
      std::vector<std::string> reasons;
      if (field == key) {
        if (stores) continue;
        reasons.push_back(
            "it is the primary key, which is kept with stored features, and this "
            "stream gives " +
            class_name + " none");
      } else if (c.scalars.count(field) > 0) {
        if (has_key) continue;
        reasons.push_back("the stream does not output " + class_name + "." + key);
      } else {
        const field_declaration& declared = *c.fields.find(field)->second;
        if (declared.max_staleness.value_or(c.declared->max_staleness) == 0) {
          const bool is_default = !declared.max_staleness;
          reasons.push_back("max_staleness is 0" + std::string(is_default ? " (the default)" : ""));
        }
        if (!declared.etl_offline_to_online.value_or(c.declared->etl_offline_to_online)) {
          reasons.push_back("etl_offline_to_online is not true");
        }
      }
      idle_outputs.push_back(
          {s.declared->name, feature, "not stored, because " + join_words(reasons)});
    }
  }
}

}  // namespace windrow::schema
