#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "tests/storage/test_plan.hpp"

namespace windrow::storage::testing {

class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  /// In [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(engine_() % (static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(double p) { return static_cast<double>(engine_() >> 11) * 0x1p-53 < p; }
  template <class T>
  const T& of(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(between(0, static_cast<std::int64_t>(items.size()) - 1))];
  }
  template <class T>
  T of(std::initializer_list<T> items) {
    return of(std::vector<T>(items));
  }

private:
  std::mt19937_64 engine_;
};

/// One or two key spaces, one to three watermark groups, each with one or two tilings and a few
/// features.
inline plan_maker random_plan(dice& random) {
  using schema::aggregation;
  const int spaces = static_cast<int>(random.between(1, 2));
  plan_maker plan(spaces, 2);
  if (random.chance(0.7)) plan.scalar(random.of({int{column_t}, int{column_a}, int{column_b}}));
  const std::int64_t second = 1'000'000;
  const std::int64_t scale =
      random.of<std::int64_t>({1'000, 100'000, second, 60 * second, 3'600 * second});
  for (int i = static_cast<int>(random.between(1, 3)); i > 0; --i) {
    const int watermark_group =
        plan.watermark_group(static_cast<int>(random.between(0, spaces - 1)),
                             random.of({int{schema::none}, int{column_f}, int{column_g}}),
                             random.of({int{schema::none}, int{schema::none}, 0, 1}));
    for (int k = static_cast<int>(random.between(1, 2)); k > 0; --k) {
      const std::int64_t duration = scale * random.of<std::int64_t>({1, 1, 2, 7, 60});
      const int tiling = plan.tiling(watermark_group, duration,
                                     random.chance(0.5) ? 0 : random.between(0, duration - 1));
      for (int f = static_cast<int>(random.between(1, 4)); f > 0; --f) {
        static const std::vector<std::pair<aggregation, int>> shapes = {
            {aggregation::count, column_a},
            {aggregation::sum, column_a},
            {aggregation::sum, column_b},
            {aggregation::sum, column_c},
            {aggregation::min, column_a},
            {aggregation::max, column_b},
            {aggregation::min, column_c},
            {aggregation::max, column_c},
            {aggregation::mean, column_a},
            {aggregation::mean, column_c},
            {aggregation::std, column_c},
            {aggregation::var, column_a},
            {aggregation::approx_count_distinct, column_t},
            {aggregation::approx_count_distinct, column_a},
            {aggregation::any, column_h},
            {aggregation::all, column_h},
            {aggregation::any, column_g}};
        const auto& [function, column] = random.of(shapes);
        std::vector<std::int64_t> windows;
        for (int w = static_cast<int>(random.between(1, 3)); w > 0; --w) {
          windows.push_back(duration * random.of<std::int64_t>({1, 3, 10, 60, 400, 3'000, 40'000}));
        }
        plan.feature(tiling, function, column, windows,
                     random.chance(0.3) ? random.between(0, 50 * duration) : 0);
      }
    }
  }
  return plan;
}

/// Messages of one to three partitions, in the order in which they first arrive.
inline std::vector<event> random_events(dice& random, const schema::plan& plan, std::size_t count) {
  std::int64_t longest = 1, shortest = INT64_MAX;
  for (const schema::tiling& t : plan.tilings) {
    longest = std::max(longest, t.retention);
    shortest = std::min(shortest, t.duration);
  }
  const std::int64_t partitions = random.between(1, 3);
  const std::int64_t hot = random.between(1, 4), keys = random.of<std::int64_t>({10, 400, 900});
  const std::int64_t step = std::max<std::int64_t>(
      1, random.of<std::int64_t>({shortest / 3, shortest * 2, longest / 500, longest / 50}));
  const std::int64_t lag =
      random.chance(0.3) ? random.between(0, 400 * longest) : 0;  // of stream 1
  const double jump = random.of({0.0, 0.0, 0.002});
  std::int64_t clock =
      random.of<std::int64_t>({0, -40 * 365 * 86'400'000'000, 1'700'000'000'000'000});
  std::vector<sequence> last(4, 0);
  std::vector<event> events;
  for (std::size_t i = 0; i < count; ++i) {
    event e;
    e.partition = static_cast<partition_id>(random.between(1, partitions));
    e.at = last[e.partition] += static_cast<sequence>(random.of<std::int64_t>({1, 1, 1, 90}));
    e.stream = random.chance(0.7) ? 0 : 1;
    clock += random.between(0, 2 * step);
    if (random.chance(jump)) clock += random.between(0, 20 * longest);
    e.time = clock - (e.stream == 1 ? lag : 0);
    if (random.chance(0.15))
      e.time -= random.between(0, random.of({10 * step, longest / 2, longest * 3 / 2}));
    for (std::size_t k = 0; k < plan.key_spaces.size(); ++k) {
      e.keys.push_back(std::nullopt);
      const std::int64_t key =
          random.chance(0.6) ? random.between(1, hot) : random.between(1, keys);
      if (random.chance(0.95)) e.keys.back() = "key " + std::to_string(key);
    }
    if (random.chance(0.8)) e.a = random.between(-400, 400);
    e.b = random.chance(0.1) ? random.of({INT64_MAX, INT64_MIN, INT64_MAX / 2})
                             : random.between(-9, 9);
    if (random.chance(0.8)) e.c = static_cast<double>(random.between(-1'000'000, 1'000'000)) / 64;
    e.t = "text " + std::to_string(random.between(1, 40));
    e.f = random.chance(0.7);
    e.g = random.chance(0.4);
    if (random.chance(0.6)) e.h = random.chance(0.7);
    events.push_back(std::move(e));
  }
  return events;
}

}  // namespace windrow::storage::testing
