#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "schema/catalog/source_kinds.hpp"
#include "schema/yaml/context.hpp"

namespace windrow::schema {
namespace {

/// Reads the settings of one source, as its kind's table says, into the source.
class settings_reader {
public:
  settings_reader(const source_kind& kind, const yaml_entry& given, source_declaration& source,
                  yaml_context& context)
      : kind_(kind),
        given_(given),
        source_(source),
        context_(context),
        what_(ticked(kind.name) + " of the source " + ticked(source.name)) {}

  bool read() {
    source_.kind = kind_.name;
    switch (kind_.form) {
      case source_form::value:
        read_value();
        break;
      case source_form::flag:
        read_flag();
        break;
      case source_form::settings:
        read_mapping();
        break;
    }
    return good_;
  }

private:
  void error(source_position at, std::string message) {
    context_.out.error(at, std::move(message));
    good_ = false;
  }

  std::string such_as() const { return "; write such as " + ticked(kind_.example); }

  void read_value() {
    const source_setting& setting = kind_.settings.front();
    auto value = read_substituted(given_.value, given_.at, std::string(kind_.expected), context_);
    good_ &= value.has_value();
    if (!value) return;
    if (is_unusable(*value)) {
      return error(given_.at, "the " + std::string(setting.name) + " is empty" + such_as());
    }
    keep(setting, given_.at, std::move(*value));
  }

  void read_flag() {
    const auto set = read_bool(given_, context_.out);
    good_ &= set.has_value();
    if (set && !*set) {
      error(given_.at, what_ + " is `true` where there is no other kind" + such_as());
    }
  }

  void read_mapping() {
    const auto entries = entries_of(given_.value, given_.at, what_, context_.out);
    good_ &= entries.has_value();
    if (!entries) return;
    for (const yaml_entry& entry : *entries) read_entry(entry);
    good_ &= read_arrival_limits(*entries, source_, context_);
    for (const source_setting& required : kind_.settings) {
      if (!required.required || find_entry(*entries, required.name) != nullptr) continue;
      error(given_.key_at, what_ + " has no " + ticked(required.name) + such_as());
    }
    if (!good_ || kind_.check == nullptr) return;
    for (const setting_problem& problem : kind_.check(source_.settings, what_)) {
      const yaml_entry* at = find_entry(*entries, problem.setting);
      error(at == nullptr ? given_.key_at : at->key_at, problem.message);
    }
  }

  void read_entry(const yaml_entry& entry) {
    if (entry.key == "max_future_skew" || entry.key == "late_arrival_deadline") return;
    if (kind_.arguments != nullptr && entry.key == kind_.arguments->key) {
      return read_arguments(entry);
    }
    const auto known = std::find_if(kind_.settings.begin(), kind_.settings.end(),
                                    [&](const source_setting& s) { return s.name == entry.key; });
    if (known == kind_.settings.end()) return unknown(entry);
    auto value = read_substituted(entry.value, entry.at, "a value", context_);
    good_ &= value.has_value();
    if (!value) return;
    if (is_unusable(*value)) {
      return error(text_position(entry.value, entry.at),
                   ticked(entry.key) + " is empty; give a value or leave it out");
    }
    keep(*known, text_position(entry.value, entry.at), std::move(*value));
  }

  static bool is_unusable(const std::string& value) {
    return value.empty() || value.find('\0') != std::string::npos;
  }

  void keep(const source_setting& setting, source_position at, std::string value) {
    if (setting.path) value = path_from_declarations(value, context_.file_name);
    if (setting.read != nullptr) {
      auto read = setting.read(setting.name, value);
      if (!read) return error(at, read.error().message);
      value = std::move(*read);
    }
    source_.settings.emplace_back(setting.name, std::move(value));
  }

  void unknown(const yaml_entry& entry) {
    std::vector<std::string> names{"late_arrival_deadline", "max_future_skew"};
    if (kind_.arguments != nullptr) names.emplace(names.begin(), kind_.arguments->key);
    for (const source_setting& s : kind_.settings) {
      names.emplace_back(s.name);
      if (s.property != entry.key) continue;
      return error(entry.key_at,
                   ticked(entry.key) + " in " + what_ + " is written " + ticked(s.name));
    }
    if (kind_.arguments != nullptr && entry.key.find('.') != std::string::npos) {
      const std::string key(kind_.arguments->key);
      return error(entry.key_at, "settings of " + std::string(kind_.arguments->library) +
                                     " stand under " + ticked(key) + "; write " +
                                     ticked(key + ": { " + entry.key + ": … }"));
    }
    refuse_unknown_keys({entry}, names, what_, context_.out);
    good_ = false;
  }

  void read_arguments(const yaml_entry& entry) {
    const auto arguments = entries_of(entry.value, entry.at, ticked(entry.key), context_.out);
    good_ &= arguments.has_value();
    if (!arguments) return;
    for (const yaml_entry& argument : *arguments) {
      if (const auto why = kind_.arguments->refused(argument.key)) {
        error(argument.key_at,
              ticked(argument.key) + " may not be set under " + ticked(entry.key) + ": " + *why);
        continue;
      }
      auto value = read_substituted(argument.value, argument.at, "a value", context_);
      good_ &= value.has_value();
      if (!value) continue;
      source_.settings.emplace_back(argument_name(*kind_.arguments, argument.key),
                                    std::move(*value));
    }
  }

  const source_kind& kind_;
  const yaml_entry& given_;
  source_declaration& source_;
  yaml_context& context_;
  const std::string what_;
  bool good_ = true;
};

}  // namespace

bool read_source_settings(const source_kind& kind, const yaml_entry& given,
                          source_declaration& source, yaml_context& context) {
  return settings_reader(kind, given, source, context).read();
}

}  // namespace windrow::schema
