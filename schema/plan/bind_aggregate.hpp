#pragma once

#include <optional>
#include <vector>

#include "schema/aggregation/description.hpp"
#include "schema/plan/planner_state.hpp"

namespace windrow::schema {

/// An aggregate expression taken apart: `_.transactions[_.amount, _.amount > 10].sum()`.
struct bound_aggregate {
  const aggregation_description* function = nullptr;
  expression_ptr argument;  ///< over child features; null for `count`
  value_type argument_type;
  expression_ptr second_argument;  ///< over child features; null if there is one column
  value_type second_argument_type;
  std::vector<windrow::value> parameters;  ///< the constants, in order, given or not
  expression_ptr filter;  ///< the filters ANDed, without the window's bounds; null for none
};

/// Sorts the keys of an aggregate call into projection, filters and window bounds, matches what
/// stands in its parentheses with the aggregation's parameters, and checks all types. Reports
/// everything that is wrong; nothing is returned then.
std::optional<bound_aggregate> bind_aggregate(const expression& e, const planner_class& child,
                                              planner_state& state);

}  // namespace windrow::schema
