#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/catalog/declaration_file.hpp"

/// Reading yaml-cpp nodes without exceptions and with positions. For the YAML reader only.
namespace windrow::schema {

/// One `key: value` of a mapping. `at` is where the value stands (the key, where it is empty).
struct yaml_entry {
  std::string key;
  source_position key_at;
  YAML::Node value;
  source_position at;
};

/// One item of a list, or the single value standing in for a list of one.
struct yaml_item {
  YAML::Node value;
  source_position at;
};

/// Where the text of a scalar begins: after the quote, if it has one.
source_position text_position(const YAML::Node& node, source_position otherwise);

/// The entries of a mapping in file order, each key once; says so where it is no mapping.
/// `what` names the mapping in messages: "the field `amount`".
std::optional<std::vector<yaml_entry>> entries_of(const YAML::Node& node, source_position at,
                                                  const std::string& what, diagnostics& out);

const yaml_entry* find_entry(const std::vector<yaml_entry>& entries, std::string_view key);

/// Reports each key that is not in `known`.
void refuse_unknown_keys(const std::vector<yaml_entry>& entries,
                         const std::vector<std::string>& known, const std::string& what,
                         diagnostics& out);

/// A scalar or a list of scalars, as a list.
std::vector<yaml_item> items_of(const yaml_entry& entry);

/// The text of a scalar. `what` says what is expected: "a duration such as `1h`".
std::optional<std::string> read_text(const YAML::Node& node, source_position at,
                                     const std::string& what, diagnostics& out);
std::optional<bool> read_bool(const yaml_entry& entry, diagnostics& out);
/// Microseconds, >= `minimum`.
std::optional<std::int64_t> read_duration(const YAML::Node& node, source_position at,
                                          std::int64_t minimum, diagnostics& out);

}  // namespace windrow::schema
