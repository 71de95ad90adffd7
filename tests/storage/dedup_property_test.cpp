#include "tests/storage/dedup_property.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace windrow::storage::testing {
namespace {

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// SEEDS=1000 runs more of them, SEED=17 one again.
TEST(SeenIdsProperty, DecidesAsTheOracleThroughCrashesAndReplay) {
  const std::uint64_t one = from_environment("SEED", 0);
  const std::uint64_t seeds = one ? one : from_environment("SEEDS", 40);
  std::cout << "seeds " << (one ? one : 1) << " to " << seeds << '\n';
  for (std::uint64_t seed = one ? one : 1; seed <= seeds; ++seed) {
    const auto problem = run_seen_history(seed);
    ASSERT_FALSE(problem) << "SEED=" << seed << ": " << *problem;
  }
}

}  // namespace
}  // namespace windrow::storage::testing
