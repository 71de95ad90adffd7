#include "storage/journal/skip_range.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace windrow::storage {
namespace {

using ranges = std::vector<skip_range>;

TEST(SkipRange, AheadPassesOverWhatLiesBetween) {
  const auto out = seek({}, 100, 500);
  EXPECT_EQ(out.skips, (ranges{{100, 500}}));
  EXPECT_EQ(out.before, 100u);
  EXPECT_EQ(out.after, 500u);
}

TEST(SkipRange, BackChangesNothingOfWhatWasApplied) {
  const auto out = seek({{10, 20}}, 100, 50);
  EXPECT_EQ(out.skips, (ranges{{10, 20}}));
  EXPECT_EQ(out.after, 100u);
}

TEST(SkipRange, ToTheSamePlaceChangesNothing) {
  EXPECT_EQ(seek({{100, 500}}, 100, 500).skips, (ranges{{100, 500}}));
}

TEST(SkipRange, ASecondSeekAheadExtendsTheFirst) {
  EXPECT_EQ(seek({{100, 500}}, 100, 700).skips, (ranges{{100, 700}}));
  EXPECT_EQ(seek({{100, 500}}, 500, 700).skips, (ranges{{100, 700}}));
  EXPECT_EQ(seek({{100, 500}}, 600, 700).skips, (ranges{{100, 500}, {600, 700}}));
}

TEST(SkipRange, WhatNoStripeHasPassedCanBeTakenBack) {
  const auto some = seek({{100, 500}}, 100, 300);
  EXPECT_EQ(some.skips, (ranges{{100, 300}}));
  EXPECT_EQ(some.after, 300u);
  const auto all = seek({{100, 500}}, 100, 0);
  EXPECT_EQ(all.skips, ranges{});
  EXPECT_EQ(all.after, 100u);
}

TEST(SkipRange, WhatAStripeHasPassedCannotBeTakenBack) {
  const auto out = seek({{100, 500}}, 500, 300);
  EXPECT_EQ(out.skips, (ranges{{100, 500}}));
  EXPECT_EQ(out.after, 500u);
}

// A crash took back what had been applied before the range: it is applied again first.
TEST(SkipRange, ARangeAheadOfEveryStripeIsMovedAsAWhole) {
  EXPECT_EQ(seek({{500, 1000}}, 300, 700).skips, (ranges{{500, 700}}));
  EXPECT_EQ(seek({{500, 1000}}, 300, 1200).skips, (ranges{{500, 1200}}));
  EXPECT_EQ(seek({{500, 1000}}, 300, 400).skips, ranges{});
}

// A crash left stripes at 100 and at 500, and all up to 300, or 700, is gone.
TEST(SkipRange, WhatIsGoneIsPassedOverByStripesThatLackIt) {
  EXPECT_EQ(with_gone({}, 100, 100), ranges{});
  EXPECT_EQ(with_gone({}, 100, 300), (ranges{{100, 300}}));
  EXPECT_EQ(with_gone(ranges{{500, 900}}, 100, 300), (ranges{{100, 300}, {500, 900}}));
  EXPECT_EQ(with_gone(ranges{{500, 600}}, 100, 700), (ranges{{100, 700}}));
  EXPECT_EQ(with_gone(ranges{{500, 700}}, 100, 700), (ranges{{100, 700}}));
  EXPECT_EQ(with_gone(ranges{{50, 120}, {500, 900}}, 100, 300), (ranges{{50, 300}, {500, 900}}));
  EXPECT_EQ(with_gone(ranges{{50, 400}}, 100, 300), (ranges{{50, 400}}));
}

TEST(SkipRange, ReadingGoesOnBehindTheRangeItStandsIn) {
  const ranges skips{{100, 500}, {500, 700}};
  EXPECT_EQ(after_skips(skips, 99), 99u);
  EXPECT_EQ(after_skips(skips, 100), 700u);
  EXPECT_EQ(after_skips(skips, 600), 700u);
  EXPECT_EQ(after_skips(skips, 700), 700u);
}

// Against a set of the messages that a reader must not see: random seeks, applied and crashed.
TEST(SkipRange, KeepsToTheMessagesThatWerePassedOver) {
  const unsigned seed = 20260301;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::set<sequence> passed;
    ranges skips;
    sequence reached = 0;
    for (int step = 0; step < 12; ++step) {
      if (random() % 2) {
        // Messages are applied one after the other; those passed over move the position.
        for (sequence n = random() % 20; n > 0; --n) {
          reached = after_skips(skips, reached);
          ++reached;
          ASSERT_EQ(passed.count(reached), 0u);
        }
        continue;
      }
      const sequence target = reached + random() % 60 - std::min<sequence>(reached, random() % 30);
      sequence at = reached;
      while (passed.count(at + 1)) ++at;
      const auto out = seek(skips, reached, target);
      ASSERT_EQ(out.before, at);
      for (sequence s = at + 1; s <= target; ++s) passed.insert(s);
      for (sequence s = std::max(target, reached) + 1; s <= at; ++s) passed.erase(s);
      skips = out.skips;
      for (const skip_range& s : skips) ASSERT_LT(s.from, s.to);
      for (sequence s = reached + 1; s < reached + 200; ++s) {
        bool in = false;
        for (const skip_range& r : skips) in = in || (s > r.from && s <= r.to);
        ASSERT_EQ(in, passed.count(s) == 1) << s;
      }
    }
  }
}

}  // namespace
}  // namespace windrow::storage
