#include "tests/support/oracle.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace windrow::testing {
namespace {

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

/// Rows of key "k" within the first minute, one a value.
window_oracle with(const std::vector<windrow::value>& values) {
  window_oracle oracle;
  std::int64_t time = 0;
  for (const auto& v : values) oracle.add({"k", time++, {{true, v}}});
  return oracle;
}

oracle_window ten_minutes(oracle_function function) {
  return {.function = function, .length = 10 * minute, .bucket = minute, .retention = 11 * minute};
}

oracle_answer at_zero(const std::vector<windrow::value>& values, oracle_function function) {
  return with(values).ask("k", ten_minutes(function), 0);
}

TEST(WindowOracle, SumsIntsBeyondSixtyFourBitsInside) {
  const auto answer = at_zero({largest, largest, -largest}, oracle_function::sum_int);
  EXPECT_FALSE(answer.error);
  EXPECT_TRUE(answer.agrees(largest));
}

TEST(WindowOracle, CallsAnIntSumThatDoesNotFitOverflow) {
  EXPECT_EQ(at_zero({largest, std::int64_t{1}}, oracle_function::sum_int).error, errc::overflow);
}

TEST(WindowOracle, SumsFloatsExactly) {
  const auto answer = at_zero({1e16, 1.0, -1e16, null{}}, oracle_function::sum_float);
  EXPECT_EQ(std::get<double>(answer.value), 1.0);
  EXPECT_EQ(answer.events, 4u);
}

TEST(WindowOracle, CallsAnInfiniteSumOverflow) {
  EXPECT_EQ(at_zero({1.7e308, 1.7e308}, oracle_function::sum_float).error, errc::overflow);
}

TEST(WindowOracle, CountsRowsAndSkipsNulls) {
  const std::vector<windrow::value> values{1.0, null{}, 2.0, 4.0};
  EXPECT_TRUE(at_zero(values, oracle_function::count).agrees(std::int64_t{4}));
  EXPECT_TRUE(at_zero(values, oracle_function::mean).agrees(7.0 / 3));
  EXPECT_TRUE(at_zero(values, oracle_function::min).agrees(1.0));
  EXPECT_TRUE(at_zero(values, oracle_function::max).agrees(4.0));
  EXPECT_TRUE(at_zero(values, oracle_function::var).agrees(7.0 / 3));
  EXPECT_TRUE(at_zero(values, oracle_function::std).agrees(std::sqrt(7.0 / 3)));
}

TEST(WindowOracle, KeepsIntsInMinAndMax) {
  EXPECT_TRUE(at_zero({largest, largest - 1}, oracle_function::min).agrees(largest - 1));
  EXPECT_FALSE(at_zero({largest, largest - 1}, oracle_function::max).agrees(largest - 1));
}

TEST(WindowOracle, CountsDistinctValuesOfEachType) {
  EXPECT_TRUE(at_zero({std::string("a"), std::string("b"), std::string("a"), null{}},
                      oracle_function::distinct)
                  .agrees(std::int64_t{2}));
  EXPECT_TRUE(at_zero({0.0, -0.0, 1.0}, oracle_function::distinct).agrees(std::int64_t{2}));
}

TEST(WindowOracle, AsksAnyAndAllOfBools) {
  const std::vector<windrow::value> both{true, null{}, false}, yes{true, null{}}, no{false};
  EXPECT_TRUE(at_zero(both, oracle_function::any).agrees(true));
  EXPECT_TRUE(at_zero(both, oracle_function::all).agrees(false));
  EXPECT_TRUE(at_zero(yes, oracle_function::all).agrees(true));
  EXPECT_TRUE(at_zero(no, oracle_function::any).agrees(false));
}

TEST(WindowOracle, KnowsTheValuesOfEmptyWindows) {
  EXPECT_TRUE(at_zero({}, oracle_function::sum_int).agrees(std::int64_t{0}));
  EXPECT_TRUE(at_zero({}, oracle_function::sum_float).agrees(0.0));
  EXPECT_TRUE(at_zero({}, oracle_function::count).agrees(std::int64_t{0}));
  EXPECT_TRUE(at_zero({}, oracle_function::distinct).agrees(std::int64_t{0}));
  EXPECT_TRUE(at_zero({}, oracle_function::any).agrees(false));
  EXPECT_TRUE(at_zero({}, oracle_function::all).agrees(true));
  EXPECT_TRUE(at_zero({}, oracle_function::min).agrees(null{}));
  EXPECT_TRUE(at_zero({}, oracle_function::mean).agrees(null{}));
  EXPECT_TRUE(at_zero({3.0}, oracle_function::std).agrees(null{}));
}

TEST(WindowOracle, CoversWholeBucketsThatOverlapTheWindow) {
  window_oracle oracle;
  for (const std::int64_t time : {-1L, 0L, minute - 1, 10 * minute, 11 * minute - 1, 11 * minute}) {
    oracle.add({"k", time, {{}}});
  }
  const auto w = ten_minutes(oracle_function::count);
  const auto inside = oracle.ask("k", w, 10 * minute + minute / 2);
  EXPECT_EQ(inside.from, 0);
  EXPECT_EQ(inside.to, 11 * minute);
  EXPECT_EQ(inside.events, 4u);
  EXPECT_EQ(oracle.ask("k", w, 10 * minute).from, 0);
  EXPECT_EQ(oracle.ask("k", w, 10 * minute - 1).from, -minute);
}

TEST(WindowOracle, AlignsBucketsToTheOriginOnBothSidesOfIt) {
  auto w = ten_minutes(oracle_function::count);
  w.bucket = w.length = 10 * minute;
  w.origin = 1'000'003 * minute;  // leaves 3 minutes
  EXPECT_EQ(window_oracle().ask("k", w, 0).to, 3 * minute);
  EXPECT_EQ(window_oracle().ask("k", w, 3 * minute).to, 13 * minute);
  w.origin = -7 * minute;
  EXPECT_EQ(window_oracle().ask("k", w, 0).from, -17 * minute);
}

TEST(WindowOracle, ExpiresByTheNewestCountedRowOfAnyKey) {
  window_oracle oracle;
  oracle.add({"k", 0, {{}, {}}});
  oracle.add({"other", 30 * minute, {{}, {.passed = false, .argument = {}}}});
  auto w = ten_minutes(oracle_function::count);
  EXPECT_EQ(oracle.ask("k", w, 27 * minute).error, errc::expired);  // [17, 18) ended at 18
  EXPECT_FALSE(oracle.ask("k", w, 29 * minute).error);              // [19, 20) ends after 19
  EXPECT_EQ(oracle.ask("k", w, 28 * minute).error, errc::expired);  // [18, 19) ends at 19
  w.series = 1;
  EXPECT_FALSE(oracle.ask("k", w, 0).error);
  EXPECT_EQ(oracle.max_event_time(1), 0);
}

TEST(WindowOracle, CountsRowsTooOldWhenTheyCome) {
  window_oracle oracle;
  for (const std::int64_t time : {30 * minute, 19 * minute - 1, 19 * minute, 31 * minute}) {
    oracle.add({"k", time, {{}}});
  }
  EXPECT_EQ(oracle.late(ten_minutes(oracle_function::count)), 1u);
}

TEST(WindowOracle, TellsTypesApart) {
  EXPECT_FALSE(at_zero({}, oracle_function::count).agrees(0.0));
  EXPECT_FALSE(at_zero({}, oracle_function::mean).agrees(0.0));
}

TEST(ExactSum, RoundsOnce) {
  EXPECT_EQ(exact_sum(std::vector<double>(10, 0.1)), 1.0);
  EXPECT_EQ(exact_sum({1e308, 1e-308, -1e308}), 1e-308);
  EXPECT_TRUE(std::isinf(exact_sum({1.7e308, 1.7e308})));
}

}  // namespace
}  // namespace windrow::testing
