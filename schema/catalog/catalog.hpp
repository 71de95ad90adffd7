#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/catalog/source_kinds.hpp"
#include "schema/expression/column.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// The declarations, as values. Two spellings of one thing: a YAML file (`read_yaml`) and
/// Cap'n Proto bytes (`encode_catalog`, `catalog.capnp`). Expressions are kept as their canonical
/// text. The owner of this header may extend it; readers take only what they need.
namespace windrow::schema {

struct field_declaration {
  std::string name;
  value_type type;
  bool is_feature_time = false;
  std::optional<std::int64_t> max_staleness;  ///< microseconds
  std::optional<bool> etl_offline_to_online;
  /// `user_id: User.id`: the class this is a foreign key of, or empty.
  std::string references;
};

struct join_pair {
  std::string local_field;
  std::string child_field;
};

struct relation_declaration {
  std::string name;
  std::string child_class;
  std::vector<join_pair> join;
};

struct window_declaration {
  std::int64_t window = 0;  ///< microseconds
  bool all = false;
  std::int64_t bucket_duration = 0;
  std::int64_t bucket_origin = 0;
};

struct windowed_declaration {
  std::string name;
  std::vector<window_declaration> windows;
  std::string expression;                 ///< canonical text
  std::optional<std::int64_t> retention;  ///< microseconds
  std::optional<windrow::value> default_value;
};

struct class_declaration {
  std::string name;
  std::int64_t max_staleness = 0;
  bool etl_offline_to_online = false;
  std::vector<field_declaration> fields;
  std::vector<relation_declaration> relations;
  std::vector<windowed_declaration> windowed;
};

struct source_declaration {
  std::string name;
  std::string kind;  ///< the name of a `source_kind`
  source_settings settings;
};

/// Repeats of a message are told by a value of theirs, for as long in event time.
struct deduplication_declaration {
  std::string on;           ///< canonical text
  std::int64_t within = 0;  ///< microseconds
};

struct stream_declaration {
  std::string name;
  std::string source;
  std::vector<std::pair<std::string, value_type>> message;
  std::string parse;                                        ///< canonical text; empty without one
  std::vector<std::pair<std::string, std::string>> output;  ///< `User.id` -> canonical text
  bool updates_materialized_aggregations = true;
  std::optional<deduplication_declaration> deduplication;
};

struct catalog {
  std::uint32_t version = 1;
  std::vector<class_declaration> classes;
  std::vector<source_declaration> sources;
  std::vector<stream_declaration> streams;
};

}  // namespace windrow::schema
