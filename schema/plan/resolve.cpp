#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "schema/plan/plan.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

const windowed_feature& feature_at(const plan& p, int index) {
  return p.windowed_features[static_cast<std::size_t>(index)];
}
const window_value& window_at(const plan& p, int index) {
  return p.window_values[static_cast<std::size_t>(index)];
}

failure unknown_feature(const plan& p, const entity_class& owner, std::string_view name) {
  std::vector<std::string> known{owner.primary_key};
  const std::size_t prefix = owner.namespace_name.size() + 1;
  for (const int s : owner.scalars) {
    known.push_back(p.scalars[static_cast<std::size_t>(s)].fqn.substr(prefix));
  }
  for (const int f : owner.windowed_features) known.push_back(feature_at(p, f).name);
  return {errc::not_found, ticked(owner.name) + " has no stored feature " + ticked(name) + "; " +
                               did_you_mean(name, known)};
}

failure unknown_window(const plan& p, const windowed_feature& f, std::string_view window) {
  std::vector<std::string> known;
  for (const int v : f.window_values) {
    known.push_back(f.name + "[\"" + format_duration(window_at(p, v).window) + "\"]");
  }
  return {errc::not_found, ticked(f.name) + " has no window " + ticked(window) +
                               "; there are: " + join_words(known)};
}

/// `10m`, `"10m"` or `'10m'` between the brackets of `sum["10m"]`.
std::string_view without_quotes(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

/// Takes `User.` or `user.` off the name; false if another class is named.
bool take_class(const entity_class& owner, std::string_view& name) {
  const std::size_t dot = name.substr(0, name.find('[')).find('.');
  if (dot == std::string_view::npos) return true;
  const std::string_view prefix = name.substr(0, dot);
  if (prefix != owner.name && prefix != owner.namespace_name) return false;
  name.remove_prefix(dot + 1);
  return true;
}

}  // namespace

result<int> resolve_class(const plan& p, std::string_view name) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < p.classes.size(); ++i) {
    const entity_class& c = p.classes[i];
    if (name == c.name || name == c.namespace_name) return static_cast<int>(i);
    known.push_back(c.name);
  }
  return failure{errc::not_found,
                 "unknown class " + ticked(name) + "; " + did_you_mean(name, known)};
}

result<std::vector<feature_reference>> resolve_feature(const plan& p, int entity_class_index,
                                                       std::string_view name) {
  if (entity_class_index < 0 || static_cast<std::size_t>(entity_class_index) >= p.classes.size()) {
    return failure{errc::not_found, "there is no such class"};
  }
  const entity_class& owner = p.classes[static_cast<std::size_t>(entity_class_index)];
  using kind = feature_reference::kind;
  std::string_view rest = name;
  if (!take_class(owner, rest)) {
    return failure{errc::not_found, ticked(name) + " is not a feature of " + ticked(owner.name)};
  }
  if (rest == owner.primary_key) {
    return std::vector<feature_reference>{{kind::primary_key, none}};
  }
  const std::string fqn = owner.namespace_name + "." + std::string(rest);
  for (const int s : owner.scalars) {
    if (p.scalars[static_cast<std::size_t>(s)].fqn == fqn) {
      return std::vector<feature_reference>{{kind::scalar, s}};
    }
  }
  const std::size_t bracket = rest.find('[');
  const std::string_view feature_name = rest.substr(0, bracket);
  for (const int index : owner.windowed_features) {
    const windowed_feature& f = feature_at(p, index);
    if (f.name == feature_name && bracket == std::string_view::npos) {
      std::vector<feature_reference> all;
      for (const int v : f.window_values) all.push_back({kind::window_value, v});
      return all;
    }
    if (f.name == feature_name) {
      if (rest.back() != ']') {
        return failure{errc::not_found,
                       ticked(name) + " has no closing `]`; write " + ticked(f.name + "[\"1h\"]")};
      }
      const std::string_view text =
          without_quotes(rest.substr(bracket + 1, rest.size() - bracket - 2));
      const result<std::int64_t> window = parse_duration(text);
      for (const int v : f.window_values) {
        if (window && window_at(p, v).window == *window) {
          return std::vector<feature_reference>{{kind::window_value, v}};
        }
      }
      return unknown_window(p, f, text);
    }
    for (const int v : f.window_values) {
      if (window_at(p, v).fqn == fqn) {
        return std::vector<feature_reference>{{kind::window_value, v}};
      }
    }
    if (rest.starts_with(f.name + "__") && rest.ends_with("__")) {
      const std::size_t from = f.name.size() + 2;
      if (rest.size() > from + 2) {
        return unknown_window(p, f, rest.substr(from, rest.size() - from - 2));
      }
    }
  }
  return unknown_feature(p, owner, rest);
}

std::string_view local_field(const plan& p, const windowed_feature& f, std::size_t part) {
  const entity_class& owner = p.classes[static_cast<std::size_t>(f.entity_class)];
  const int scalar = f.local_key[part];
  if (scalar == none) return owner.primary_key;
  const std::string_view fqn = p.scalars[static_cast<std::size_t>(scalar)].fqn;
  return fqn.substr(owner.namespace_name.size() + 1);
}

}  // namespace windrow::schema
