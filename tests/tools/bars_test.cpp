#include "tools/bars.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace windrow::tools {
namespace {

TEST(Bar, DrawsEighths) {
  EXPECT_EQ(bar(1, 4), "████");
  EXPECT_EQ(bar(0.5, 4), "██");
  EXPECT_EQ(bar(0.625, 4), "██▌");
  EXPECT_EQ(bar(0.25 / 8, 4), "▏");
}

TEST(Bar, ShowsAnythingAboveNothing) {
  EXPECT_EQ(bar(1e-9, 4), "▏");
  EXPECT_EQ(bar(0, 4), "");
  EXPECT_EQ(bar(-1, 4), "");
}

TEST(Bar, IsNeverLongerThanItsWidth) { EXPECT_EQ(bar(7, 3), "███"); }

TEST(Bars, ScalesByTheLargestMagnitude) {
  const std::vector<double> values{4, 2, 0, -1, -4};
  EXPECT_EQ(bars(values, 4), (std::vector<std::string>{"████", "██", "", "░", "░░░░"}));
}

TEST(Bars, LeavesOutWhatIsNotANumber) {
  const std::vector<double> values{NAN, INFINITY, 1};
  EXPECT_EQ(bars(values, 2), (std::vector<std::string>{"", "", "██"}));
}

}  // namespace
}  // namespace windrow::tools
