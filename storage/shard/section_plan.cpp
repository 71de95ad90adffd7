#include "storage/shard/section_plan.hpp"

#include <algorithm>

namespace windrow::storage {

namespace {

lane_step step_of(const schema::plan& plan, const schema::route& route,
                  const schema::route::tiling_update& update, const record_layout& layout) {
  const schema::tiling& tiling = plan.tilings[static_cast<std::size_t>(update.tiling)];
  lane_step step;
  step.lane = layout.lane_of_tiling[static_cast<std::size_t>(update.tiling)];
  step.filter = update.filter;
  step.arguments = update.arguments;
  step.duration = tiling.duration;
  step.origin = tiling.origin;
  for (std::size_t i = 0; i < route.watermark_groups.size(); ++i) {
    if (route.watermark_groups[i].watermark_group == tiling.watermark_group)
      step.watermark_group = i;
  }
  for (std::size_t i = 0; i < plan.rules.size(); ++i) {
    if (plan.rules[i].tiling == update.tiling)
      step.rules.emplace_back(static_cast<int>(i), plan.rules[i].retention);
  }
  return step;
}

}  // namespace

void section_plan::bind(const section& s) {
  for (lane_step& step : steps) {
    step.columns.clear();
    for (const int c : step.arguments)
      step.columns.push_back(&s.columns[static_cast<std::size_t>(c)]);
    step.filter_column =
        step.filter == schema::none ? nullptr : &s.columns[static_cast<std::size_t>(step.filter)];
    step.bucket_begin = step.bucket_end = 0;
  }
}

std::vector<section_plan> section_plans_of(const record_layouts& layouts) {
  std::vector<section_plan> plans;
  for (const schema::route& route : layouts.plan().routes) {
    section_plan made;
    made.key_space = route.key_space;
    made.scalars = route.scalars;
    made.watermark_groups = route.watermark_groups.size();
    for (const auto& update : route.tilings)
      made.steps.push_back(step_of(layouts.plan(), route, update, layouts.of(route.key_space)));
    std::sort(made.steps.begin(), made.steps.end(),
              [](const lane_step& a, const lane_step& b) { return a.lane < b.lane; });
    plans.push_back(std::move(made));
  }
  return plans;
}

}  // namespace windrow::storage
