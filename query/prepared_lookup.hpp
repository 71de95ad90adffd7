#pragma once

#include <vector>

#include "schema/plan/plan.hpp"

namespace windrow::query {

/// Class and features resolved once, for many lookups, with the plan they are indexes of.
struct prepared_lookup {
  schema::plan_ptr plan;
  int entity_class = schema::none;
  std::vector<schema::feature_reference> features;
};

}  // namespace windrow::query
