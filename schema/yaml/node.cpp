#include "schema/yaml/node.hpp"

#include <set>
#include <utility>

#include "base/suggest.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

source_position position_of(const YAML::Node& node, source_position otherwise) {
  if (!node.IsDefined() || node.IsNull() || node.Mark().is_null()) return otherwise;
  return {node.Mark().line + 1, node.Mark().column + 1};
}

std::string kind_of(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return "nothing";
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  return ticked(node.Scalar());
}

}  // namespace

source_position text_position(const YAML::Node& node, source_position otherwise) {
  source_position at = position_of(node, otherwise);
  if (node.IsScalar() && node.Tag() == "!" && !node.IsNull()) ++at.column;
  return at;
}

std::optional<std::vector<yaml_entry>> entries_of(const YAML::Node& node, source_position at,
                                                  const std::string& what, diagnostics& out) {
  if (!node.IsDefined() || !node.IsMap()) {
    out.error(position_of(node, at),
              what + " must be a mapping (`key: value`), not " + kind_of(node));
    return std::nullopt;
  }
  std::vector<yaml_entry> entries;
  std::set<std::string> seen;
  for (const auto& pair : node) {
    const source_position key_at = position_of(pair.first, at);
    if (!pair.first.IsScalar()) {
      out.error(key_at, "a key of " + what + " must be a name, not " + kind_of(pair.first));
      continue;
    }
    const std::string key = pair.first.Scalar();
    if (!seen.insert(key).second) {
      out.error(key_at, ticked(key) + " is given twice in " + what + "; keep one");
      continue;
    }
    entries.push_back({key, key_at, pair.second, position_of(pair.second, key_at)});
  }
  return entries;
}

const yaml_entry* find_entry(const std::vector<yaml_entry>& entries, std::string_view key) {
  for (const yaml_entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

void refuse_unknown_keys(const std::vector<yaml_entry>& entries,
                         const std::vector<std::string>& known, const std::string& what,
                         diagnostics& out) {
  const std::set<std::string> names(known.begin(), known.end());
  for (const yaml_entry& entry : entries) {
    if (names.count(entry.key) > 0) continue;
    out.error(entry.key_at, "unknown key " + ticked(entry.key) + " in " + what + "; " +
                                did_you_mean(entry.key, known));
  }
}

std::vector<yaml_item> items_of(const yaml_entry& entry) {
  std::vector<yaml_item> items;
  if (!entry.value.IsSequence()) {
    items.push_back({entry.value, entry.at});
    return items;
  }
  for (const YAML::Node& item : entry.value) items.push_back({item, position_of(item, entry.at)});
  return items;
}

std::optional<std::string> read_text(const YAML::Node& node, source_position at,
                                     const std::string& what, diagnostics& out) {
  if (!node.IsDefined() || !node.IsScalar()) {
    out.error(position_of(node, at), "expected " + what + ", not " + kind_of(node));
    return std::nullopt;
  }
  return node.Scalar();
}

std::optional<bool> read_bool(const yaml_entry& entry, diagnostics& out) {
  const auto text = read_text(entry.value, entry.at, "`true` or `false`", out);
  if (!text) return std::nullopt;
  if (*text == "true" || *text == "True") return true;
  if (*text == "false" || *text == "False") return false;
  out.error(entry.at, ticked(entry.key) + " is `true` or `false`, not " + ticked(*text));
  return std::nullopt;
}

std::optional<std::int64_t> read_duration(const YAML::Node& node, source_position at,
                                          std::int64_t minimum, diagnostics& out) {
  const auto text = read_text(node, at, "a duration such as `1h30m`", out);
  if (!text) return std::nullopt;
  const result<std::int64_t> micros = parse_duration(*text);
  if (!micros) {
    out.error(text_position(node, at), micros.error().message);
    return std::nullopt;
  }
  if (*micros < minimum) {
    out.error(at, "the duration " + ticked(*text) + " is too short; write " +
                      (minimum > 0 ? "one above zero, such as `1m`" : "`0s` or more"));
    return std::nullopt;
  }
  return *micros;
}

}  // namespace windrow::schema
