#include "query/resolve_query.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "schema/catalog/key.hpp"

namespace windrow::query {
namespace {

const schema::entity_class& class_at(const schema::plan& plan, int index) {
  return plan.classes[static_cast<std::size_t>(index)];
}

/// The classes of a query, and what is asked of each.
struct asked_classes {
  std::vector<int> classes;            ///< each once
  std::vector<std::size_t> of_entity;  ///< index into `classes`
  std::vector<class_query_ptr> asked;  ///< one per class
};

result<void> find_classes(const schema::plan& plan, const query_request& request,
                          asked_classes& out) {
  for (const entity_reference& e : request.entities) {
    const auto c = schema::resolve_class(plan, e.entity_class);
    if (!c) return c.error();
    const auto found = std::find(out.classes.begin(), out.classes.end(), *c);
    out.of_entity.push_back(static_cast<std::size_t>(found - out.classes.begin()));
    if (found == out.classes.end()) out.classes.push_back(*c);
  }
  return {};
}

/// A name that says its class is asked of that class alone.
bool names_its_class(std::string_view feature) {
  const auto dot = feature.find('.');
  return dot != std::string_view::npos && dot < feature.find('[');
}

result<void> find_features(const schema::plan_ptr& plan, const query_request& request,
                           asked_classes& out) {
  std::vector<std::vector<schema::feature_reference>> features(out.classes.size());
  std::vector<std::vector<feature_answer>> unknown(out.classes.size());
  for (const std::string& name : request.features) {
    std::optional<failure> why;
    std::vector<std::size_t> without;
    for (std::size_t i = 0; i < out.classes.size(); ++i) {
      const auto found = schema::resolve_feature(*plan, out.classes[i], name);
      if (!found) {
        if (!why) why = found.error();
        without.push_back(i);
        continue;
      }
      for (const schema::feature_reference& f : *found) {
        const bool twice = std::any_of(features[i].begin(), features[i].end(), [&](const auto& x) {
          return x.what == f.what && x.index == f.index;
        });
        if (!twice) features[i].push_back(f);
      }
    }
    if (without.size() == out.classes.size()) return *why;
    if (names_its_class(name)) continue;
    for (const std::size_t i : without) {
      feature_answer a;
      a.feature = name;
      a.value = failure{errc::not_found,
                        class_at(*plan, out.classes[i]).name + " has no feature " + name};
      unknown[i].push_back(std::move(a));
    }
  }
  for (std::size_t i = 0; i < out.classes.size(); ++i) {
    out.asked.push_back(make_class_query(plan, out.classes[i], features[i], std::move(unknown[i])));
  }
  return {};
}

}  // namespace

result<query_row> resolve_row(const query_context& context, class_query_ptr asked,
                              std::string_view key) {
  const schema::plan& plan = *asked->plan;
  const int space = class_at(plan, asked->entity_class).key_space;
  auto values = schema::parse_key(plan.key_spaces[static_cast<std::size_t>(space)].parts, key);
  if (!values) return values.error();
  auto resolved = storage::placement(plan, space, context.folder_seed)
                      .resolve(std::move(*values), context.shard_count);
  if (!resolved) return resolved.error();
  return query_row{std::move(asked), std::move(*resolved)};
}

result<resolved_query> resolve_query(const query_context& context, schema::plan_ptr plan,
                                     const query_request& request, timestamp clock) {
  if (request.entities.empty())
    return failure{errc::invalid, "the query names no entity; give at least one, such as User=u1"};
  if (request.features.empty())
    return failure{errc::invalid, "the query names no feature; give at least one"};
  asked_classes of;
  if (auto found = find_classes(*plan, request, of); !found) return found.error();
  if (auto found = find_features(plan, request, of); !found) return found.error();
  resolved_query out{std::move(plan), request.now.value_or(clock), {}};
  out.rows.reserve(request.entities.size());
  for (std::size_t i = 0; i < request.entities.size(); ++i) {
    const entity_reference& e = request.entities[i];
    const class_query_ptr& asked = of.asked[of.of_entity[i]];
    auto row = resolve_row(context, asked, e.key);
    if (!row) {
      return failure{row.error().code, "the entity " +
                                           class_at(*out.plan, asked->entity_class).name + "=" +
                                           e.key + ": " + row.error().message};
    }
    row->now = e.now;
    out.rows.push_back(std::move(*row));
  }
  return out;
}

}  // namespace windrow::query
