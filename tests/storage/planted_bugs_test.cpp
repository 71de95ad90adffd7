#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "base/fault_injection.hpp"
#include "tests/storage/shard_property.hpp"

namespace windrow {

failpoint injected_fault = failpoint::none;

}  // namespace windrow

namespace windrow::storage {

namespace testing {
namespace {

constexpr int caught = 3;

// In a process of its own, because a shard with a bug may do anything.
[[noreturn]] void run_with(failpoint bug, std::uint64_t seeds) {
  injected_fault = bug;
  alarm(720);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (const auto problem = run_shard_history(seed)) {
      std::cerr << "seed " << seed << ": " << *problem << '\n';
      _exit(caught);
    }
  }
  _exit(0);
}

// A difference was found, or the bug brought the shard down; a shard that hangs is not caught.
bool failed(int status) {
  return WIFSIGNALED(status) ? WTERMSIG(status) != SIGALRM
                             : WIFEXITED(status) && WEXITSTATUS(status) == caught;
}

class PlantedBug : public ::testing::TestWithParam<int> {};

TEST_P(PlantedBug, IsCaughtByTheHistories) {
  constexpr std::uint64_t seeds = 60;
  std::cout << "seeds 1 to " << seeds << '\n';
  EXPECT_EXIT(run_with(static_cast<failpoint>(GetParam()), seeds), failed, "");
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBug, ::testing::Range(1, static_cast<int>(failpoint::count)));

TEST(NoPlantedBug, IsNotCaught) {
  const std::uint64_t seeds = from_environment("SEEDS", 60);
  std::cout << "seeds 1 to " << seeds << '\n';
  EXPECT_EXIT(run_with(failpoint::none, seeds), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace testing
}  // namespace windrow::storage
