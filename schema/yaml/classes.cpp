#include <algorithm>
#include <map>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/type_text.hpp"
#include "schema/yaml/context.hpp"

namespace windrow::schema {
namespace {

/// What a foreign key was written as, until every class is known.
void keep_reference(const type_text& type, field_declaration& field) {
  field.references = type.references_class + "." + type.references_field;
}

bool read_type(const YAML::Node& node, source_position at, field_declaration& field,
               yaml_context& context) {
  const auto text = read_text(node, at, "a type such as `str`", context.out);
  if (!text) return false;
  const result<type_text> type = parse_type(*text);
  if (!type) {
    context.out.error(text_position(node, at), type.error().message);
    return false;
  }
  field.type = type->type;
  field.is_feature_time = type->is_feature_time;
  if (!type->references_class.empty()) keep_reference(*type, field);
  return true;
}

/// `amount: float` or `amount: { type: float, max_staleness: 1d }`.
void read_plain_field(const yaml_entry& entry, const std::vector<yaml_entry>* settings,
                      class_declaration& owner, const declared_path& path, yaml_context& context) {
  field_declaration field;
  field.name = entry.key;
  bool good = true;
  if (settings == nullptr) {
    context.place(path + "/type", text_position(entry.value, entry.at));
    good = read_type(entry.value, entry.at, field, context);
  } else {
    refuse_unknown_keys(*settings,
                        {"type", "max_staleness", "etl_offline_to_online", "has_many", "windowed"},
                        "the field " + ticked(entry.key), context.out);
    if (const yaml_entry* type = find_entry(*settings, "type")) {
      context.place(path + "/type", text_position(type->value, type->at));
      good = read_type(type->value, type->at, field, context);
    } else {
      context.out.error(entry.key_at, "the field " + ticked(entry.key) +
                                          " has no `type`; write such as `type: float`, or "
                                          "`has_many:` or `windowed:`");
      good = false;
    }
    if (const yaml_entry* staleness = find_entry(*settings, "max_staleness")) {
      field.max_staleness = read_duration(staleness->value, staleness->at, 0, context.out);
    }
    if (const yaml_entry* etl = find_entry(*settings, "etl_offline_to_online")) {
      field.etl_offline_to_online = read_bool(*etl, context.out);
    }
  }
  if (good)
    owner.fields.push_back(std::move(field));
  else
    context.mark_broken(path);
}

void read_field(const yaml_entry& entry, class_declaration& owner, yaml_context& context) {
  const declared_path path = "features/" + owner.name + "/" + entry.key;
  context.place(path, entry.key_at);
  if (!check_name(entry, "a field", context)) return context.mark_broken(path);
  if (entry.key.starts_with("chalk_")) {
    context.out.error(entry.key_at,
                      "names beginning with `chalk_` are reserved; rename " + ticked(entry.key));
    return context.mark_broken(path);
  }
  if (!entry.value.IsMap()) return read_plain_field(entry, nullptr, owner, path, context);
  const auto settings =
      entries_of(entry.value, entry.at, "the field " + ticked(entry.key), context.out);
  if (!settings) return context.mark_broken(path);
  const bool many = find_entry(*settings, "has_many") != nullptr;
  const bool windowed = find_entry(*settings, "windowed") != nullptr;
  if (many && windowed) {
    context.out.error(entry.key_at, "the field " + ticked(entry.key) +
                                        " is both `has_many` and `windowed`; make two fields");
    return context.mark_broken(path);
  }
  if (many) return read_relation(entry, *settings, owner, path, context);
  if (windowed) return read_windowed(entry, *settings, owner, path, context);
  read_plain_field(entry, &*settings, owner, path, context);
}

void read_class(const yaml_entry& entry, yaml_context& context) {
  const declared_path path = "features/" + entry.key;
  context.place(path, entry.key_at);
  class_declaration declared;
  declared.name = entry.key;
  if (!check_name(entry, "a class", context)) return context.mark_broken(path);
  const auto settings =
      entries_of(entry.value, entry.at, "the class " + ticked(entry.key), context.out);
  if (!settings) return context.mark_broken(path);
  refuse_unknown_keys(*settings, {"fields", "max_staleness", "etl_offline_to_online"},
                      "the class " + ticked(entry.key), context.out);
  if (const yaml_entry* staleness = find_entry(*settings, "max_staleness")) {
    const auto micros = read_duration(staleness->value, staleness->at, 0, context.out);
    declared.max_staleness = micros.value_or(0);
  }
  if (const yaml_entry* etl = find_entry(*settings, "etl_offline_to_online")) {
    declared.etl_offline_to_online = read_bool(*etl, context.out).value_or(false);
  }
  const yaml_entry* fields = find_entry(*settings, "fields");
  if (fields == nullptr) {
    context.out.error(entry.key_at, "the class " + ticked(entry.key) +
                                        " has no `fields`; write such as `fields: { id: str }`");
    return context.mark_broken(path);
  }
  const auto entries =
      entries_of(fields->value, fields->at, "the fields of " + ticked(entry.key), context.out);
  if (!entries) return context.mark_broken(path);
  for (const yaml_entry& field : *entries) read_field(field, declared, context);
  context.file.declarations.classes.push_back(std::move(declared));
}

using field_table = std::map<std::string, std::map<std::string, field_declaration*>>;

field_table fields_by_name(catalog& declarations) {
  field_table out;
  for (class_declaration& c : declarations.classes) {
    for (field_declaration& f : c.fields) out[c.name][f.name] = &f;
  }
  return out;
}

/// Follows `User.id` to the field that has a type of its own; null if there is none.
const field_declaration* referenced_field(const field_declaration& from, const field_table& fields,
                                          source_position at, yaml_context& context) {
  const field_declaration* field = &from;
  for (std::size_t steps = 0; !field->references.empty(); ++steps) {
    const std::size_t dot = field->references.find('.');
    const std::string class_name = field->references.substr(0, dot);
    const std::string field_name = field->references.substr(dot + 1);
    const auto owner = fields.find(class_name);
    if (owner == fields.end()) {
      if (!context.file.is_broken("features/" + class_name)) {
        std::vector<std::string> names;
        for (const auto& [name, _] : fields) names.push_back(name);
        context.out.error(at, "unknown class " + ticked(class_name) + " in the foreign key " +
                                  ticked(field->references) + "; " +
                                  did_you_mean(class_name, names));
      }
      return nullptr;
    }
    if (field_name != "id") {
      context.out.error(at, "a foreign key names the primary key; write " +
                                ticked(class_name + ".id") + " instead of " +
                                ticked(field->references));
      return nullptr;
    }
    const auto target = owner->second.find(field_name);
    if (target == owner->second.end()) {
      // A class without an `id` is an error of its own.
      return nullptr;
    }
    field = target->second;
    if (steps > fields.size()) {
      context.out.error(at, "the foreign key " + ticked(from.references) +
                                " leads back to itself; give one of the `id`s a type such as "
                                "`str`");
      return nullptr;
    }
  }
  return field;
}

}  // namespace

void read_classes(const yaml_entry& features, yaml_context& context) {
  const auto entries = entries_of(features.value, features.at, "`features`", context.out);
  if (!entries) return;
  for (const yaml_entry& entry : *entries) context.class_names.push_back(entry.key);
  for (const yaml_entry& entry : *entries) read_class(entry, context);
}

void link_foreign_keys(yaml_context& context) {
  const field_table fields = fields_by_name(context.file.declarations);
  struct resolved {
    field_declaration* field;
    value_type type;
    std::string references;
  };
  std::vector<resolved> links;
  for (class_declaration& owner : context.file.declarations.classes) {
    for (field_declaration& field : owner.fields) {
      if (field.references.empty()) continue;
      const declared_path path = "features/" + owner.name + "/" + field.name;
      const field_declaration* target =
          referenced_field(field, fields, context.file.at(path + "/type"), context);
      if (target == nullptr) {
        context.mark_broken(path);
        continue;
      }
      value_type type = target->type;
      type.nullable = field.type.nullable;
      links.push_back({&field, type, field.references.substr(0, field.references.find('.'))});
    }
  }
  for (const resolved& link : links) {
    link.field->type = link.type;
    link.field->references = link.references;
  }
  for (class_declaration& owner : context.file.declarations.classes) {
    std::erase_if(owner.fields, [&](const field_declaration& field) {
      return context.file.is_broken("features/" + owner.name + "/" + field.name);
    });
  }
}

}  // namespace windrow::schema
