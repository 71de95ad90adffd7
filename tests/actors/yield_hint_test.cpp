#include "actors/yield_hint.hpp"

#include <gtest/gtest.h>

namespace windrow::actors {
namespace {

TEST(Attention, IsPaidOnceForAllQuestionsSinceTheLastTime) {
  attention all;
  std::uint64_t shard = 0, ingest = 0;
  all.give_way(shard);
  EXPECT_EQ(shard, 0u);
  all.asked();
  all.asked();
  all.give_way(shard);
  EXPECT_EQ(shard, 2u);
  all.asked();
  all.give_way(shard);
  all.give_way(ingest);
  EXPECT_EQ(shard, 3u);
  EXPECT_EQ(ingest, 3u);
}

}  // namespace
}  // namespace windrow::actors
