#pragma once

#include <optional>
#include <string>
#include <vector>

#include "schema/catalog/declaration_file.hpp"
#include "schema/catalog/source_kinds.hpp"
#include "schema/yaml/node.hpp"

/// The parts of the YAML reader, one a section of the file. For the YAML reader only.
namespace windrow::schema {

struct yaml_context {
  const std::string& file_name;
  const environment& variables;
  declaration_file& file;
  diagnostics& out;
  /// Every key under `features`, read or not yet.
  std::vector<std::string> class_names = {};

  void place(const declared_path& path, source_position at) { file.positions[path] = at; }
  void mark_broken(const declared_path& path) { file.broken.insert(path); }
};

void read_classes(const yaml_entry& features, yaml_context& context);
void read_sources(const yaml_entry& sources, yaml_context& context);
void read_streams(const yaml_entry& streams, yaml_context& context);

/// One `windowed` field: windows, buckets, expression, default.
void read_windowed(const yaml_entry& field, const std::vector<yaml_entry>& settings,
                   class_declaration& owner, const declared_path& path, yaml_context& context);

/// One `has_many` field. A join that is left out is found by `link_relations`.
void read_relation(const yaml_entry& field, const std::vector<yaml_entry>& settings,
                   class_declaration& owner, const declared_path& path, yaml_context& context);

/// Gives foreign keys the type of what they refer to, once every class is read.
void link_foreign_keys(yaml_context& context);
/// Finds the joins that foreign keys imply.
void link_relations(yaml_context& context);

/// What stands behind the name of a source's kind, into `source`; false if something is wrong,
/// which has been said.
bool read_source_settings(const source_kind& kind, const yaml_entry& given,
                          source_declaration& source, yaml_context& context);
/// `max_future_skew` and `late_arrival_deadline` among the entries, into `source`, once.
bool read_arrival_limits(const std::vector<yaml_entry>& entries, source_declaration& source,
                         yaml_context& context);
/// Text with each `${NAME}` replaced by the environment's value.
std::optional<std::string> read_substituted(const YAML::Node& node, source_position at,
                                            const std::string& what, yaml_context& context);
/// A path that is relative to the declarations, made absolute.
std::string path_from_declarations(const std::string& path, const std::string& file_name);

/// Parses an expression and keeps it under `path`; returns its canonical text.
std::optional<std::string> read_expression(const yaml_entry& entry, const declared_path& path,
                                           yaml_context& context);

/// The name of a class, field, source or stream; says so where it cannot be one.
bool check_name(const yaml_entry& entry, const std::string& what, yaml_context& context);

}  // namespace windrow::schema
