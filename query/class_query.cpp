#include "query/class_query.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace windrow::query {
namespace {

using kind = schema::feature_reference::kind;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::string canonical_name(const schema::plan& plan, const schema::entity_class& c,
                           const schema::feature_reference& f) {
  switch (f.what) {
    case kind::primary_key:
      return c.namespace_name + "." + c.primary_key;
    case kind::scalar:
      return plan.scalars[at(f.index)].fqn;
    case kind::window_value:
      return plan.window_values[at(f.index)].fqn;
  }
  return {};
}

/// Puts windows of one tiling and length side by side.
void sort_by_tiling(const schema::plan& plan, class_query::windows& windows) {
  std::vector<std::pair<int, std::size_t>> all;
  for (std::size_t i = 0; i < windows.values.size(); ++i) {
    all.emplace_back(windows.values[i], windows.slots[i]);
  }
  const auto place = [&](int value) {
    const schema::window_value& w = plan.window_values[at(value)];
    return std::tuple(plan.rules[at(w.rule)].tiling, w.window);
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const auto& a, const auto& b) { return place(a.first) < place(b.first); });
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::tie(windows.values[i], windows.slots[i]) = all[i];
  }
}

/// Sorts features into what is read of which record.
class builder {
public:
  explicit builder(class_query& out) : out_(out), plan_(*out.plan) {}

  void add(std::size_t slot, const schema::feature_reference& f) {
    if (f.what == kind::primary_key) out_.key_slots.push_back(slot);
    if (f.what == kind::scalar) out_.scalar_slots.push_back({slot, scalar_at(f.index)});
    if (f.what != kind::window_value) return;
    class_query::windows& windows = windows_of(plan_.window_values[at(f.index)]);
    windows.values.push_back(f.index);
    windows.slots.push_back(slot);
  }

  void finish() {
    sort_by_tiling(plan_, out_.own);
    for (class_query::group& g : out_.groups) sort_by_tiling(plan_, g.read);
  }

private:
  std::size_t scalar_at(int scalar) {
    const auto found = std::find(out_.scalars.begin(), out_.scalars.end(), scalar);
    const auto index = static_cast<std::size_t>(found - out_.scalars.begin());
    if (found == out_.scalars.end()) out_.scalars.push_back(scalar);
    return index;
  }

  class_query::windows& windows_of(const schema::window_value& w) {
    const int key_space = plan_.tilings[at(plan_.rules[at(w.rule)].tiling)].key_space;
    if (key_space == plan_.classes[at(out_.entity_class)].key_space) return out_.own;
    std::vector<std::size_t> key;
    for (const int scalar : plan_.windowed_features[at(w.feature)].local_key) {
      key.push_back(scalar == schema::none ? class_query::primary_key : scalar_at(scalar));
    }
    for (class_query::group& g : out_.groups) {
      if (g.key_space == key_space && g.key == key) return g.read;
    }
    out_.groups.push_back({key_space, std::move(key), w.feature, {}});
    return out_.groups.back().read;
  }

  class_query& out_;
  const schema::plan& plan_;
};

}  // namespace

class_query_ptr make_class_query(schema::plan_ptr plan, int entity_class,
                                 std::span<const schema::feature_reference> features,
                                 std::vector<feature_answer> unknown) {
  auto out = std::make_shared<class_query>();
  out->plan = std::move(plan);
  out->entity_class = entity_class;
  out->unknown = std::move(unknown);
  const schema::entity_class& c = out->plan->classes[at(entity_class)];
  builder build(*out);
  for (const schema::feature_reference& f : features) {
    build.add(out->names.size(), f);
    out->names.push_back(canonical_name(*out->plan, c, f));
  }
  build.finish();
  return out;
}

result<class_query_ptr> prepare(schema::plan_ptr plan, std::string_view entity_class,
                                std::span<const std::string> features) {
  const auto c = schema::resolve_class(*plan, entity_class);
  if (!c) return c.error();
  std::vector<schema::feature_reference> all;
  for (const std::string& name : features) {
    const auto found = schema::resolve_feature(*plan, *c, name);
    if (!found) return found.error();
    all.insert(all.end(), found->begin(), found->end());
  }
  return make_class_query(std::move(plan), *c, all);
}

}  // namespace windrow::query
