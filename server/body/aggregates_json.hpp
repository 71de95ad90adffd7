#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/shard_statistics.hpp"
#include "schema/plan/plan.hpp"
#include "server/body/body_shape.hpp"

/// Series and rules, how much they hold and who reads them.
namespace windrow::server {

struct aggregate_listing {
  struct rule {
    std::string aggregation;
    std::int64_t bucket = 0;  ///< microseconds, like the next two
    std::int64_t origin = 0;
    std::int64_t retention = 0;
    std::uint64_t tiling = 0;  ///< rules with the same number share tiles and bytes
    node::rule_statistics holds;
    std::vector<std::string> features;  ///< canonical names
    std::string readers;                ///< `User.sum_amount[10m, 1h], User.mean_amount[1h]`
  };
  struct series {
    std::string text;  ///< as a person reads it
    std::string group;
    std::vector<rule> rules;
  };
  std::uint64_t catalog_version = 0;
  std::vector<series> all_series;
};

/// `found` has an element a rule of the plan.
aggregate_listing list_aggregates(const schema::plan& plan,
                                  const std::vector<node::rule_statistics>& found);

/// `{"catalog_version", "series": [{"series", "group", "rules": […]}]}` on one line, with its end.
std::string aggregates_json(const aggregate_listing& what);
result<aggregate_listing> read_aggregates(std::string_view json);

/// What `aggregates_json` writes.
extern const body_shape aggregates_shape;

}  // namespace windrow::server
