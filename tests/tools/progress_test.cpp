#include "tools/progress.hpp"

#include <gtest/gtest.h>

#include "tools/text.hpp"

namespace windrow::tools {
namespace {

constexpr std::int64_t second = 1'000'000;

progress_view half_way() {
  return {.counts = {.events = 1'234'567,
                     .dead_letters = 3,
                     .bytes_read = 50 << 20,
                     .bytes_total = 100 << 20},
          .events_per_second = 1'230'000,
          .bytes_per_second = 10 << 20};
}

TEST(ProgressLine, ShowsBarRateLagAndDeadLetters) {
  EXPECT_EQ(progress_line(half_way(), 120),
            "████████████                50 %   1.23 M messages/s   lag 50.0 MiB   "
            "3 dead letters   5.00 s left");
}

TEST(ProgressLine, LeavesOutWhatFindsNoRoom) {
  EXPECT_EQ(progress_line(half_way(), 60), "████        50 %   1.23 M messages/s   lag 50.0 MiB");
  EXPECT_EQ(progress_line(half_way(), 20), "████        50 %");
  EXPECT_EQ(progress_line(half_way(), 12), " 50 %");
  for (std::size_t width = 0; width < 130; ++width) {
    EXPECT_LE(display_width(progress_line(half_way(), width)), width);
  }
}

TEST(ProgressLine, HasNoBarWhereTheEndIsUnknown) {
  progress_view view = half_way();
  view.counts.bytes_total.reset();
  view.counts.dead_letters = 1;
  EXPECT_EQ(progress_line(view, 120), "1,234,567 messages   1.23 M messages/s   1 dead letter");
}

TEST(ProgressLine, SaysAHundredPercentOnlyAtTheEnd) {
  progress_view view = half_way();
  view.counts.bytes_read = *view.counts.bytes_total - 1;
  EXPECT_NE(progress_line(view, 120).find(" 99 %"), std::string::npos);
  view.counts.bytes_read = *view.counts.bytes_total;
  EXPECT_EQ(progress_line(view, 120),
            "████████████████████████   100 %   1.23 M messages/s   lag 0 B   3 dead letters");
}

TEST(ProgressLogLine, IsPlainWords) {
  EXPECT_EQ(progress_log_line(half_way()),
            "read 1,234,567 messages (50 %), 1.23 M messages/s, lag 50.0 MiB, 3 dead letters\n");
}

TEST(ProgressMeter, MeasuresARateFromTheFirstInterval) {
  progress_meter meter(0);
  const auto view = meter.update(2 * second, {.events = 1000, .bytes_read = 4000});
  EXPECT_DOUBLE_EQ(view.events_per_second, 500);
  EXPECT_DOUBLE_EQ(view.bytes_per_second, 2000);
}

TEST(ProgressMeter, ForgetsHalfOfThePastInAHalfLife) {
  progress_meter meter(0, 2 * second);
  meter.update(1 * second, {.events = 1000});
  const auto view = meter.update(3 * second, {.events = 1000});
  EXPECT_DOUBLE_EQ(view.events_per_second, 500);
}

TEST(ProgressMeter, KeepsItsRateWhileTimeStandsStill) {
  progress_meter meter(0);
  meter.update(1 * second, {.events = 1000});
  EXPECT_DOUBLE_EQ(meter.update(1 * second, {.events = 2000}).events_per_second, 1000);
}

}  // namespace
}  // namespace windrow::tools
