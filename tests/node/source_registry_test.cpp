#include "node/source_registry.hpp"

#include <gtest/gtest.h>

namespace windrow::node {
namespace {

constexpr std::int64_t second = 1'000'000;

/// A registry and the inputs that its tests speak of.
class SourceBoard : public ::testing::Test {
protected:
  void open(std::uint32_t input, const std::string& source, storage::partition_id partition) {
    registry_.declare(source);
    registry_.opened(input, source, partition, 0);
  }
  void progress(std::uint32_t input, std::uint64_t read, bool ended = false, bool waiting = false) {
    counters_.read = read;
    counters_.streams = {{0, read, 0, 0}};
    registry_.progressed(
        {input, &counters_, read * 10, 0, storage::no_time, 5 * second, waiting, ended});
  }
  sources::partition_status status(storage::partition_id partition,
                                   std::optional<storage::sequence> end = {}) {
    sources::partition_status s;
    s.end = end;
    EXPECT_TRUE(registry_.describe(partition, 7 * second, s));
    return s;
  }

  source_registry registry_;
  ingest::ingest_counters counters_;
};

TEST_F(SourceBoard, WithoutSourcesNothingIsEverOver) {
  EXPECT_FALSE(registry_.over(true));
  EXPECT_FALSE(registry_.over(false));
}

TEST_F(SourceBoard, IsOverWhenEverySourceIsCompleteAndEnded) {
  open(1, "a", 11), open(2, "b", 12);
  registry_.complete("a", true), registry_.complete("b", true);
  progress(1, 3, true), progress(2, 3);
  EXPECT_FALSE(registry_.over(true));
  progress(2, 4, true);
  EXPECT_TRUE(registry_.over(true));
}

TEST_F(SourceBoard, IsNotOverWhileMorePartitionsMayBeFound) {
  open(1, "a", 11);
  progress(1, 3, true);
  EXPECT_FALSE(registry_.over(true));
  EXPECT_TRUE(registry_.complete("a", true));
  EXPECT_FALSE(registry_.complete("a", true)) << "not new any more";
  EXPECT_TRUE(registry_.over(true));
}

TEST_F(SourceBoard, AFailedInputDoesNotEndTheOthers) {
  open(1, "a", 11), open(2, "b", 12);
  registry_.complete("a", true), registry_.complete("b", true);
  registry_.input_failed(1, {errc::io, "gone"});
  EXPECT_FALSE(registry_.over(true));
  progress(2, 4, true);
  EXPECT_TRUE(registry_.over(true));
  ASSERT_EQ(registry_.failures().size(), 1u);
  EXPECT_EQ(registry_.failures()[0].first, "a");
  EXPECT_EQ(status(11).state, sources::source_state::failed);
  EXPECT_EQ(status(11).reason, "gone");
}

TEST_F(SourceBoard, FollowedSourcesAreOverOnceAllHaveFailed) {
  open(1, "a", 11), open(2, "a", 12);
  registry_.declare("b");
  registry_.source_failed("b", {errc::io, "gone"});
  registry_.input_failed(1, {errc::io, "gone"});
  EXPECT_FALSE(registry_.over(false));
  registry_.input_failed(2, {errc::io, "gone"});
  EXPECT_TRUE(registry_.over(false));
  registry_.continued(2);
  EXPECT_FALSE(registry_.over(false));
}

TEST_F(SourceBoard, APauseEndsARunThatIsToEndAndNoOther) {
  open(1, "a", 11);
  registry_.complete("a", true);
  registry_.paused(1);
  EXPECT_TRUE(registry_.over(true));
  EXPECT_FALSE(registry_.over(false));
  EXPECT_EQ(status(11).state, sources::source_state::paused);
}

TEST_F(SourceBoard, SaysWhereAPartitionStands) {
  open(1, "a", 11);
  progress(1, 3);
  const sources::partition_status s = status(11, 100);
  EXPECT_EQ(s.state, sources::source_state::running);
  EXPECT_EQ(s.position, 30u);
  EXPECT_EQ(s.lag, 70u);
  EXPECT_EQ(s.behind, 2 * second) << "what was taken last arrived two seconds ago";
  EXPECT_EQ(s.read, 3u);
  EXPECT_EQ(s.applied, 3u);
  progress(1, 4, false, true);
  EXPECT_EQ(status(11).state, sources::source_state::waiting);
  EXPECT_EQ(status(11).lag, std::nullopt);
  EXPECT_EQ(status(11, 40).behind, std::nullopt) << "nothing is left";
}

TEST_F(SourceBoard, ADroppedInputIsGoneButStaysCounted) {
  open(1, "a", 11);
  progress(1, 3);
  registry_.dropped(1);
  EXPECT_EQ(registry_.find(11), std::nullopt);
  open(2, "a", 12);
  progress(2, 2);
  EXPECT_EQ(registry_.totals().read, 5u);
}

TEST(RateMeter, FollowsTheLastSeconds) {
  node::rate_meter meter;
  EXPECT_EQ(meter.per_second(), 0);
  std::uint64_t count = 0;
  for (int i = 0; i <= 100; ++i) meter.sample(i * second / 5, count += 200);
  EXPECT_NEAR(meter.per_second(), 1000, 1);
  for (int i = 101; i <= 200; ++i) meter.sample(i * second / 5, count);
  EXPECT_LT(meter.per_second(), 1);
}

TEST(SourceState, IsTheWorstOfItsPartitions) {
  sources::source_status s;
  s.partitions.resize(3);
  s.partitions[0].state = sources::source_state::ended;
  s.partitions[1].state = sources::source_state::running;
  s.partitions[2].state = sources::source_state::paused;
  EXPECT_EQ(node::state_of(s), sources::source_state::running);
  s.partitions[2].state = sources::source_state::failed;
  EXPECT_EQ(node::state_of(s), sources::source_state::failed);
}

}  // namespace
}  // namespace windrow::node
