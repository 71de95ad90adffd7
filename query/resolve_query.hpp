#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "query/class_query.hpp"
#include "query/query_context.hpp"
#include "storage/shard/placement.hpp"
#include "windrow/engine.hpp"

namespace windrow::query {

/// One entity of a query.
struct query_row {
  class_query_ptr asked;
  storage::resolved_key key;  ///< its primary key
  /// Where its windows end, if it has a time of its own; else the query's.
  std::optional<timestamp> now{};
};

/// A query as it is answered: names resolved against one plan, keys hashed and placed.
struct resolved_query {
  schema::plan_ptr plan;
  timestamp now;  ///< where windows end
  std::vector<query_row> rows;
};

/// Reads what a user wrote: `{"User", "u1"}` and feature names. `clock` is the time of a query that
/// says none. `invalid` for a query of nothing and for keys of another type, `not_found` for
/// classes that are not declared and features that no class asked for has; a feature that only
/// some of the classes lack is an error in the rows of those.
result<resolved_query> resolve_query(const query_context& context, schema::plan_ptr plan,
                                     const query_request& request, timestamp clock);

/// One entity, by the text of its key: `invalid` if that is not of the key's type.
result<query_row> resolve_row(const query_context& context, class_query_ptr asked,
                              std::string_view key);

}  // namespace windrow::query
