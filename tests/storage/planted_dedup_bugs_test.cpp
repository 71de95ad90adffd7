#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "base/fault_injection.hpp"
#include "tests/storage/dedup_property.hpp"

namespace windrow {

dedup_failpoint injected_dedup_fault = dedup_failpoint::none;

}  // namespace windrow

namespace windrow::storage {

namespace testing {
namespace {

constexpr std::uint64_t seeds = 100;
constexpr int caught = 3;

// In a process of its own, because what is planted stays.
[[noreturn]] void run_with(dedup_failpoint bug) {
  injected_dedup_fault = bug;
  alarm(360);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (const auto problem = run_seen_history(seed)) {
      std::cerr << "seed " << seed << ": " << *problem << '\n';
      _exit(caught);
    }
  }
  _exit(0);
}

class PlantedSeenBug : public ::testing::TestWithParam<int> {};

TEST_P(PlantedSeenBug, IsCaughtByTheHistories) {
  std::cout << "seeds 1 to " << seeds << '\n';
  EXPECT_EXIT(run_with(static_cast<dedup_failpoint>(GetParam())), ::testing::ExitedWithCode(caught),
              "seed");
}

INSTANTIATE_TEST_SUITE_P(All, PlantedSeenBug,
                         ::testing::Range(1, static_cast<int>(dedup_failpoint::count)));

}  // namespace
}  // namespace testing
}  // namespace windrow::storage
