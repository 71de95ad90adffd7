#pragma once

#include <optional>
#include <string>

#include "schema/plan/planner_state.hpp"

namespace windrow::schema {

/// An aggregate expression taken apart: `_.transactions[_.amount, _.amount > 10].sum()`.
struct bound_aggregate {
  aggregation function = aggregation::count;
  expression_ptr argument;  ///< over child features; null for `count`
  value_type argument_type;
  expression_ptr filter;  ///< the filters ANDed, without the window's bounds; null for none
};

/// Sorts the keys of an aggregate call into projection, filters and window bounds, and checks
/// their types. Reports everything that is wrong; nothing is returned then.
std::optional<bound_aggregate> bind_aggregate(const expression& e, const planner_class& child,
                                              planner_state& state);

/// What a query gets from `function`, before its default.
value_type result_type(aggregation function, const value_type& argument);

}  // namespace windrow::schema
