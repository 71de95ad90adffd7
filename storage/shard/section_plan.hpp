#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"
#include "storage/record/record_layout.hpp"

/// What a shard does with the rows of one route, worked out once per plan.
namespace windrow::storage {

/// One lane that rows of a route are folded into.
struct lane_step {
  int lane = schema::none;
  int filter = schema::none;   ///< a column of the section, or none
  std::vector<int> arguments;  ///< columns of the section
  std::int64_t duration = 0, origin = 0;
  std::size_t watermark_group = 0;                  ///< position in `route.watermark_groups`
  std::vector<std::pair<int, std::int64_t>> rules;  ///< (plan rule, retention)
  // While a section is applied: the columns themselves, and the bucket of the last row.
  std::vector<const batch_column*> columns;
  const batch_column* filter_column = nullptr;
  std::int64_t bucket_begin = 0, bucket_end = 0, bucket = 0;
};

struct section_plan {
  int key_space = schema::none;
  std::vector<lane_step> steps;  ///< in lane order
  std::vector<schema::route::scalar_write> scalars;
  std::size_t watermark_groups = 0;

  /// Points the steps at the columns of a section of this route.
  void bind(const section& s);
};

/// One per route of the plan.
std::vector<section_plan> section_plans_of(const record_layouts& layouts);

}  // namespace windrow::storage
