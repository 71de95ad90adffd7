#include "actors/yield_hint.hpp"

#include <gtest/gtest.h>

namespace windrow::actors {
namespace {

TEST(Attention, IsPaidOnceForAllQuestionsSinceTheLastTime) {
  yield_hint all;
  std::uint64_t shard = 0, ingest = 0;
  all.yield_if_requests(shard);
  EXPECT_EQ(shard, 0u);
  all.notify_request();
  all.notify_request();
  all.yield_if_requests(shard);
  EXPECT_EQ(shard, 2u);
  all.notify_request();
  all.yield_if_requests(shard);
  all.yield_if_requests(ingest);
  EXPECT_EQ(shard, 3u);
  EXPECT_EQ(ingest, 3u);
}

}  // namespace
}  // namespace windrow::actors
