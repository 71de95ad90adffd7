#include "schema/catalog/source_kinds.hpp"

#include <algorithm>
#include <array>

#include "base/suggest.hpp"
#include "schema/catalog/file_settings.hpp"
#include "schema/catalog/kafka_settings.hpp"
#include "schema/catalog/push_settings.hpp"

namespace windrow::schema {
namespace {

constexpr std::array kinds{
    &file_kind,
    &kafka_kind,
    &push_kind,
};

constexpr std::array unit_names{
    std::pair{position_unit::bytes, std::string_view("bytes")},
    std::pair{position_unit::messages, std::string_view("messages")},
    std::pair{position_unit::pushes, std::string_view("pushes")},
};

}  // namespace

std::string_view to_string(position_unit unit) noexcept {
  const auto* found = std::find_if(unit_names.begin(), unit_names.end(),
                                   [&](const auto& known) { return known.first == unit; });
  return found == unit_names.end() ? std::string_view() : found->second;
}

std::optional<position_unit> parse_position_unit(std::string_view text) noexcept {
  for (const auto& [unit, name] : unit_names) {
    if (name == text) return unit;
  }
  return std::nullopt;
}

std::span<const source_kind* const> source_kinds() noexcept { return kinds; }

const source_kind* find_source_kind(std::string_view name) noexcept {
  for (const source_kind* kind : kinds) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

std::string source_kind_names() {
  std::string names;
  for (const source_kind* kind : kinds) names += (names.empty() ? "" : ", ") + ticked(kind->name);
  return names;
}

std::string argument_name(const library_arguments& arguments, std::string_view name) {
  return std::string(arguments.key) + "." + std::string(name);
}

std::optional<std::string_view> library_name(const source_kind& kind, std::string_view setting) {
  if (kind.arguments == nullptr) return std::nullopt;
  const std::string prefix = argument_name(*kind.arguments, "");
  if (!setting.starts_with(prefix)) return std::nullopt;
  return setting.substr(prefix.size());
}

bool is_secret_setting(std::string_view kind, std::string_view setting) {
  if (const source_kind* known = find_source_kind(kind)) {
    for (const source_setting& s : known->settings) {
      if (s.name == setting) return s.secret;
    }
  }
  constexpr std::array sounds{"password", "secret", "pem", "jaas", "oauthbearer", "token", "key"};
  return std::any_of(sounds.begin(), sounds.end(),
                     [&](std::string_view word) { return setting.find(word) != setting.npos; });
}

}  // namespace windrow::schema
