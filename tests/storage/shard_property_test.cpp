#include "tests/storage/shard_property.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace windrow::storage::testing {
namespace {

// SEEDS=1000 runs more of them, SEED=17 one again.
TEST(ShardProperty, EqualsTheOracleThroughCrashesEvictionAndReplay) {
  const std::uint64_t one = from_environment("SEED", 0);
  const std::uint64_t seeds = one ? one : from_environment("SEEDS", 100);
  std::cout << "seeds " << (one ? one : 1) << " to " << seeds << '\n';
  for (std::uint64_t seed = one ? one : 1; seed <= seeds; ++seed) {
    const auto problem = run_shard_history(seed);
    ASSERT_FALSE(problem) << "SEED=" << seed << ": " << *problem;
  }
}

}  // namespace
}  // namespace windrow::storage::testing
