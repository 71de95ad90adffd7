#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schema/plan/planner.hpp"

/// The planner's working state and its steps, one a file. For the planner only.
namespace windrow::schema {

struct planner_class {
  const class_declaration* declared = nullptr;
  declared_path path;
  std::map<std::string, const field_declaration*, std::less<>> fields;
  std::string feature_time;                         ///< the field, or empty
  std::map<std::string, int, std::less<>> scalars;  ///< stored fields -> `plan.scalars`
};

/// What a series needs beyond `plan.all_series`.
struct planner_series {
  expression_ptr argument;  ///< over child features; null for `count`
  value_type argument_type;
  expression_ptr second_argument;  ///< over child features; null if there is one column
  value_type second_argument_type;
  expression_ptr filter;           ///< over child features; null without one
  std::vector<std::string> needs;  ///< child fields a stream must output, sorted
  std::string readable_join;       ///< `User.id == Transaction.user_id`
};

/// What a rule needs beyond `plan.rules`.
struct planner_rule {
  needed_partials partials;
  std::int64_t duration = 0;  ///< of a bucket, microseconds
  std::int64_t origin = 0;
};

/// The outputs of one stream, as they go into its program.
struct planner_stream {
  const stream_declaration* declared = nullptr;
  declared_path path;
  /// class -> field -> expression over the message, in the field's type.
  std::map<std::string, std::map<std::string, expression_ptr>> outputs;
  std::vector<expression_ptr> program;           ///< distinct outputs of the program
  std::map<std::string, int> by_text;            ///< canonical text -> `program`
  std::map<std::string, value_type> attributes;  ///< message keys and envelope

  /// The program output that computes `e`.
  int output_of(const expression_ptr& e);
  std::optional<value_type> attribute_type(const std::vector<std::string>& path) const;
};

class planner_state {
public:
  planner_state(const declaration_file& file, diagnostics& out, aggregation_table aggregations);

  // The steps, in order.
  void plan_classes();
  void check_settings(const source_kind& kind, const source_declaration& declared);
  void plan_sources();
  void plan_windowed_features();
  void plan_stream_outputs();
  void infer_updates();
  void plan_watermark_groups();
  void plan_tilings();
  void plan_routes();
  void finish();

  const declaration_file& file;
  diagnostics& out;
  aggregation_table aggregations;
  catalog declarations;  ///< in name order
  plan p;
  std::vector<idle_output> idle_outputs;

  std::vector<planner_class> classes;  ///< one a `p.classes`
  std::map<std::string, int, std::less<>> class_by_name;
  std::vector<planner_series> series;  ///< one a `p.all_series`
  std::map<std::uint64_t, int> series_by_id;
  std::map<std::uint64_t, int> rule_by_id;
  std::vector<planner_rule> rules;  ///< one per `p.rules`
  std::map<std::uint64_t, int> key_space_by_id;
  std::vector<planner_stream> streams;    ///< one a `p.streams`
  std::set<declared_path> bad_relations;  ///< reported; uses are passed over

  /// The parsed expression declared at `path`; reports and returns null if it does not parse.
  expression_ptr expression_at(const declared_path& path, const std::string& text);
  /// The class, or `none` after saying so at `at`.
  int find_class(std::string_view name, source_position at);
  /// Reports each attribute of `e` that is not in `known`: `owner` (as messages call it) has no
  /// such one. `broken_prefix` is where a name may be declared but broken. False if one is unknown.
  bool check_attributes(const expression& e, const std::vector<std::string>& known,
                        const std::string& owner, const declared_path& broken_prefix);

private:
  void plan_class(int index);
  void plan_fields(planner_class& c);
  void plan_scalars(planner_class& c, int index);
  void check_relation(const planner_class& c, const relation_declaration& relation);
  void plan_windowed(int class_index, const windowed_declaration& declared);
  int key_space_of_join(int class_index, const relation_declaration& relation,
                        const std::vector<join_pair>& pairs, source_position at);
  int series_of(int key_space, const relation_declaration& relation,
                const std::vector<join_pair>& pairs, const struct bound_aggregate& bound);
  void plan_windows(int feature, int series_index, const struct bound_aggregate& bound,
                    const windowed_declaration& declared, const declared_path& path);
  int rule_of(int series_index, const struct bound_aggregate& bound, std::int64_t duration,
              std::int64_t origin);
  std::optional<value_type> type_in_stream(int stream, const expression& e);
  void plan_parse(int stream);
  void plan_output(int stream, const std::string& name, const std::string& text);
  void report_unknown_output(const planner_class& c, const std::string& field_name,
                             source_position at);
  void plan_event_time(int stream);
  void plan_deduplication(int stream);

  void note_idle_series(int series);
  void plan_partials(int tiling);

  /// The stream's route to a key space with those key outputs. Valid until the next call.
  route& route_of(int stream, int key_space, const std::vector<int>& key);
  void route_scalars(int stream);
  void route_watermark_group(int stream, int watermark_group);
  /// The argument with this canonical text of one of the watermark group's series.
  expression_ptr argument_expression(int watermark_group, const std::string& text) const;
  void compile_resolver(int stream);
  void explain_idle_outputs(int stream);
};

}  // namespace windrow::schema
