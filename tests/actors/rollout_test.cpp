#include "actors/rollout.hpp"

#include <gtest/gtest.h>

namespace windrow::actors {
namespace {

using step = rollout::step;

TEST(Rollout, ActivatesOnlyWhenEveryoneHasStaged) {
  rollout r;
  ASSERT_TRUE(r.begin(1, 3));
  EXPECT_EQ(r.answered(0, 1, {}), step::wait);
  EXPECT_EQ(r.answered(2, 1, {}), step::wait);
  EXPECT_EQ(r.answered(1, 1, {}), step::activate_all);
  EXPECT_EQ(r.active(), 0u);
  EXPECT_EQ(r.answered(0, 1, {}), step::wait);
  EXPECT_EQ(r.answered(1, 1, {}), step::wait);
  EXPECT_EQ(r.answered(2, 1, {}), step::finished);
  EXPECT_EQ(r.active(), 1u);
}

TEST(Rollout, CountsARepeatedAnswerOnce) {
  rollout r;
  ASSERT_TRUE(r.begin(1, 2));
  EXPECT_EQ(r.answered(0, 1, {}), step::wait);
  EXPECT_EQ(r.answered(0, 1, {}), step::wait);
  EXPECT_EQ(r.answered(1, 1, {}), step::activate_all);
}

TEST(Rollout, EndsWhenOneCannotStage) {
  rollout r;
  ASSERT_TRUE(r.begin(1, 2));
  EXPECT_EQ(r.answered(0, 1, failure{errc::corrupt, "damaged"}), step::failed);
  EXPECT_EQ(r.why().message, "damaged");
  EXPECT_EQ(r.answered(1, 1, {}), step::wait);
  EXPECT_EQ(r.active(), 0u);
}

TEST(Rollout, TakesNoVersionAtOrBelowTheActiveOne) {
  rollout r;
  ASSERT_TRUE(r.begin(2, 1));
  r.answered(0, 2, {});
  ASSERT_EQ(r.answered(0, 2, {}), step::finished);
  EXPECT_FALSE(r.begin(2, 1));
  EXPECT_FALSE(r.begin(1, 1));
  EXPECT_TRUE(r.begin(3, 1));
}

TEST(Rollout, IgnoresAnswersToAnotherVersion) {
  rollout r;
  ASSERT_TRUE(r.begin(2, 1));
  EXPECT_EQ(r.answered(0, 1, {}), step::wait);
  EXPECT_EQ(r.answered(0, 2, {}), step::activate_all);
}

}  // namespace
}  // namespace windrow::actors
