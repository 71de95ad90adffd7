#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "schema/catalog/definition_id.hpp"
#include "schema/expression/type_text.hpp"
#include "schema/plan/planner_state.hpp"

namespace windrow::schema {
namespace {

constexpr std::string_view primary_key_field = "id";

bool can_be_key(value_kind kind) { return kind != value_kind::floating && is_plain(kind); }

}  // namespace

void planner_state::plan_classes() {
  std::map<std::string, std::string> by_namespace;
  for (const class_declaration& declared : declarations.classes) {
    const int index = static_cast<int>(p.classes.size());
    const declared_path path = "features/" + declared.name;
    if (!class_by_name.emplace(declared.name, index).second) {
      out.error(file.at(path),
                "the class " + ticked(declared.name) + " is declared twice; rename one");
      continue;
    }
    const auto [other, fresh] = by_namespace.emplace(snake_case(declared.name), declared.name);
    if (!fresh) {
      out.error(file.at(path), ticked(declared.name) + " and " + ticked(other->second) +
                                   " would both be " + ticked(other->first) +
                                   " in queries; rename one");
    }
    planner_class c;
    c.declared = &declared;
    c.path = path;
    classes.push_back(std::move(c));
    entity_class entity;
    entity.name = declared.name;
    entity.namespace_name = snake_case(declared.name);
    entity.primary_key = primary_key_field;
    p.classes.push_back(std::move(entity));
  }
  for (std::size_t i = 0; i < classes.size(); ++i) plan_class(static_cast<int>(i));
  for (const planner_class& c : classes) {
    for (const relation_declaration& relation : c.declared->relations) check_relation(c, relation);
  }
}

void planner_state::plan_class(int index) {
  planner_class& c = classes[static_cast<std::size_t>(index)];
  plan_fields(c);
  entity_class& entity = p.classes[static_cast<std::size_t>(index)];
  const auto id = c.fields.find(primary_key_field);
  if (id == c.fields.end()) {
    if (!file.is_broken(c.path + "/id")) {
      out.error(file.at(c.path), "the class " + ticked(entity.name) +
                                     " has no primary key; add the field `id: str`");
    }
    return;
  }
  const value_type& type = id->second->type;
  if (!can_be_key(type.kind) || type.nullable || id->second->is_feature_time) {
    out.error(file.at(c.path + "/id/type"),
              "the primary key of " + ticked(entity.name) + " cannot be " +
                  ticked(id->second->is_feature_time ? "FeatureTime" : to_string(type)) +
                  "; write `str` or `int`");
    return;
  }
  entity.key_type = type;
  entity.key_space = static_cast<int>(p.key_spaces.size());
  key_space space;
  space.id =
      definition_hash("key_space").add("class").add(entity.name).add(to_string(type)).finish();
  space.name = entity.name;
  space.parts = {type};
  space.part_names = {entity.primary_key};
  space.entity_class = index;
  space.placement_parts = {0};
  key_space_by_id.emplace(space.id, entity.key_space);
  p.key_spaces.push_back(std::move(space));
  plan_scalars(c, index);
}

void planner_state::plan_fields(planner_class& c) {
  std::set<std::string> names;
  const auto check_new = [&](const std::string& name) {
    if (names.insert(name).second) return;
    out.error(file.at(c.path + "/" + name),
              ticked(c.declared->name + "." + name) + " is declared twice; rename one");
  };
  for (const field_declaration& field : c.declared->fields) {
    check_new(field.name);
    c.fields.emplace(field.name, &field);
    if (!field.is_feature_time) continue;
    if (!c.feature_time.empty()) {
      out.error(file.at(c.path + "/" + field.name + "/type"),
                ticked(c.declared->name) + " has two event times, " + ticked(c.feature_time) +
                    " and " + ticked(field.name) + "; make one of them `datetime`");
    }
    c.feature_time = field.name;
  }
  for (const relation_declaration& relation : c.declared->relations) check_new(relation.name);
  for (const windowed_declaration& windowed : c.declared->windowed) {
    check_new(windowed.name);
    for (const window_declaration& w : windowed.windows) {
      check_new(windowed.name + "__" +
                (w.all ? std::string("all") : std::to_string(w.window / 1'000'000)) + "__");
    }
  }
}

void planner_state::plan_scalars(planner_class& c, int index) {
  entity_class& entity = p.classes[static_cast<std::size_t>(index)];
  for (const auto& [name, field] : c.fields) {
    const std::int64_t staleness = field->max_staleness.value_or(c.declared->max_staleness);
    if (staleness < 0) {
      out.error(file.at(c.path + "/" + name), "`max_staleness` cannot be negative");
    }
    const bool kept = field->etl_offline_to_online.value_or(c.declared->etl_offline_to_online);
    if (name == entity.primary_key || staleness <= 0 || !kept) continue;
    scalar s;
    s.fqn = entity.namespace_name + "." + name;
    s.id =
        definition_hash("scalar").add(entity.name).add(name).add(to_string(field->type)).finish();
    s.type = field->type;
    s.entity_class = index;
    s.key_space = entity.key_space;
    s.max_staleness = staleness;
    const int scalar_index = static_cast<int>(p.scalars.size());
    c.scalars.emplace(name, scalar_index);
    entity.scalars.push_back(scalar_index);
    p.key_spaces[static_cast<std::size_t>(entity.key_space)].scalars.push_back(scalar_index);
    p.scalars.push_back(std::move(s));
  }
}

void planner_state::check_relation(const planner_class& c, const relation_declaration& relation) {
  const declared_path path = c.path + "/" + relation.name;
  const auto fail = [&](const declared_path& where, const std::string& message) {
    out.error(file.at(where), message);
    bad_relations.insert(path);
  };
  const int child_index = find_class(relation.child_class, file.at(path + "/has_many"));
  if (child_index == none || relation.join.empty()) {
    bad_relations.insert(path);
    if (child_index != none) fail(path, "the has_many " + ticked(relation.name) + " has no join");
    return;
  }
  const planner_class& child = classes[static_cast<std::size_t>(child_index)];
  const auto field_of = [&](const planner_class& owner,
                            const std::string& name) -> const field_declaration* {
    if (const auto found = owner.fields.find(name); found != owner.fields.end()) {
      return found->second;
    }
    bad_relations.insert(path);
    if (file.is_broken(owner.path + "/" + name)) return nullptr;
    std::vector<std::string> names;
    for (const auto& [known, _] : owner.fields) names.push_back(known);
    fail(path + "/join", ticked(owner.declared->name) + " has no field " + ticked(name) +
                             " to join on; " + did_you_mean(name, names));
    return nullptr;
  };
  std::set<std::string> child_fields;
  for (const join_pair& pair : relation.join) {
    const field_declaration* local = field_of(c, pair.local_field);
    const field_declaration* remote = field_of(child, pair.child_field);
    if (local == nullptr || remote == nullptr) continue;
    const std::string local_name = c.declared->name + "." + local->name;
    const std::string remote_name = child.declared->name + "." + remote->name;
    if (!child_fields.insert(remote->name).second) {
      fail(path + "/join", ticked(remote_name) + " stands in two pairs of the join; remove one");
    } else if (local->type.kind != remote->type.kind) {
      fail(path + "/join", ticked(local_name) + " is " + ticked(to_string(local->type)) + " but " +
                               ticked(remote_name) + " is " + ticked(to_string(remote->type)) +
                               "; a join needs one type");
    } else if (!can_be_key(local->type.kind)) {
      fail(path + "/join", ticked(local_name) + " is " + ticked(to_string(local->type)) +
                               ", which cannot be joined on; use `str`, `int`, `bool` or "
                               "`datetime`");
    }
  }
}

}  // namespace windrow::schema
