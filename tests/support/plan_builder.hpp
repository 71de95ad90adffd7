#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/expression/expression.hpp"
#include "schema/expression/program.hpp"
#include "schema/plan/plan.hpp"

/// Plans put together by hand, so that tests of ingest need no declarations.
namespace windrow::test {

inline schema::value_type type_of(schema::value_kind kind, bool nullable = false) {
  return {kind, nullable, nullptr};
}

/// Builds a plan piece by piece; indexes are those of the plan's vectors.
class plan_builder {
public:
  plan_builder() {
    plan_.sources.push_back({"events", &schema::file_kind, "/events", 300'000'000, -1});
  }

  schema::plan& plan() { return plan_; }

  int key_space(std::vector<schema::value_type> parts, std::vector<int> placement = {}) {
    schema::key_space space;
    space.id = 1000 + plan_.key_spaces.size();
    space.name = "space " + std::to_string(plan_.key_spaces.size());
    space.parts = std::move(parts);
    for (std::size_t i = 0; i < space.parts.size(); ++i) {
      space.part_names.push_back("part" + std::to_string(i));
      if (placement.empty()) space.placement_parts.push_back(static_cast<int>(i));
    }
    if (!placement.empty()) space.placement_parts = std::move(placement);
    plan_.key_spaces.push_back(std::move(space));
    return static_cast<int>(plan_.key_spaces.size()) - 1;
  }

  /// A watermark group with one tiling and one rule.
  int watermark_group(int key_space, std::int64_t duration, std::int64_t retention) {
    const int index = static_cast<int>(plan_.watermark_groups.size());
    plan_.watermark_groups.push_back({static_cast<std::uint64_t>(index), key_space, "Event", ""});
    schema::tiling tiling;
    tiling.watermark_group = index;
    tiling.key_space = key_space;
    tiling.duration = duration;
    tiling.retention = retention;
    plan_.tilings.push_back(tiling);
    schema::rule rule;
    rule.tiling = static_cast<int>(plan_.tilings.size()) - 1;
    rule.retention = retention;
    plan_.rules.push_back(rule);
    return index;
  }

  /// A stream of source 0 whose outputs are these expressions over `message`.
  int stream(std::string name, std::vector<schema::message_field> message,
             const std::vector<std::string>& outputs, std::vector<std::string> envelope = {}) {
    std::vector<schema::program::input> inputs;
    for (const auto& field : message) inputs.push_back({field.name, field.type});
    for (const auto& field : envelope) {
      inputs.push_back({field, type_of(field == "message_time" ? schema::value_kind::datetime
                                                               : schema::value_kind::text,
                                       true)});
    }
    std::vector<schema::expression_ptr> parsed;
    for (const std::string& text : outputs) {
      parsed.push_back(schema::parse_expression(text).value);
    }
    schema::stream made;
    made.name = std::move(name);
    made.source = 0;
    made.message = std::move(message);
    made.envelope = std::move(envelope);
    made.resolve = std::make_shared<const schema::program>(
        schema::program::compile(std::move(inputs), parsed));
    plan_.streams.push_back(std::move(made));
    return static_cast<int>(plan_.streams.size()) - 1;
  }

  struct feed {
    int watermark_group = schema::none;
    int filter = schema::none;  ///< index into the route's columns
  };
  int route(int stream, int key_space, std::vector<int> key, std::vector<int> columns = {},
            std::vector<feed> feeds = {}) {
    schema::route route;
    route.stream = stream;
    route.key_space = key_space;
    route.key = std::move(key);
    route.columns = std::move(columns);
    for (const feed& each : feeds)
      route.watermark_groups.push_back({each.watermark_group, each.filter});
    plan_.routes.push_back(std::move(route));
    const int index = static_cast<int>(plan_.routes.size()) - 1;
    plan_.streams[static_cast<std::size_t>(stream)].routes.push_back(index);
    return index;
  }

  schema::plan_ptr build() { return std::make_shared<const schema::plan>(std::move(plan_)); }

private:
  schema::plan plan_;
};

}  // namespace windrow::test
