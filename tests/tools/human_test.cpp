#include "tools/human.hpp"

#include <gtest/gtest.h>

namespace windrow::tools {
namespace {

TEST(CountText, GroupsThousands) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(count_text(UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(ShortCount, KeepsThreeDigits) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(950), "950");
  EXPECT_EQ(short_count(999.6), "1.00 K");
  EXPECT_EQ(short_count(12345), "12.3 K");
  EXPECT_EQ(short_count(4560000), "4.56 M");
  EXPECT_EQ(short_count(9.996e6), "10.0 M");
  EXPECT_EQ(short_count(999.6e6), "1.00 B");
  EXPECT_EQ(short_count(5e15), "5000 T");
}

TEST(BytesText, UsesPowersOf1024) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "0.98 KiB");
  EXPECT_EQ(bytes_text(1024), "1.00 KiB");
  EXPECT_EQ(bytes_text(1536 * 1024), "1.50 MiB");
  EXPECT_EQ(bytes_text(3ull << 40), "3.00 TiB");
}

TEST(ElapsedText, ChoosesTheUnit) {
  EXPECT_EQ(elapsed_text(0), "0 µs");
  EXPECT_EQ(elapsed_text(350), "350 µs");
  EXPECT_EQ(elapsed_text(12'340), "12.3 ms");
  EXPECT_EQ(elapsed_text(4'560'000), "4.56 s");
  EXPECT_EQ(elapsed_text(59'960'000), "1m00s");
  EXPECT_EQ(elapsed_text(125'000'000), "2m05s");
  EXPECT_EQ(elapsed_text(11'220'000'000), "3h07m");
  EXPECT_EQ(elapsed_text(352'800'000'000), "4d02h");
  EXPECT_EQ(elapsed_text(-1'500'000), "-1.50 s");
}

TEST(CellText, ShowsEachType) {
  EXPECT_EQ(cell_text(null{}), "–");
  EXPECT_EQ(cell_text(true), "true");
  EXPECT_EQ(cell_text(std::int64_t{-42}), "-42");
  EXPECT_EQ(cell_text(std::string("Ann\n")), "Ann\\n");
  EXPECT_EQ(cell_text(timestamp{0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(cell_text(value_list{std::int64_t{1}, null{}}), "[1, –]");
}

TEST(CellText, ShowsFloatsWithFourDecimals) {
  EXPECT_EQ(cell_text(0.0), "0.0");
  EXPECT_EQ(cell_text(12.5), "12.5");
  EXPECT_EQ(cell_text(2.122448979591837), "2.1224");
  EXPECT_EQ(cell_text(-0.75), "-0.75");
  EXPECT_EQ(cell_text(1234567.25), "1234567.25");
  EXPECT_EQ(cell_text(0.00012345678), "0.000123457");
  EXPECT_EQ(cell_text(1.5e18), "1.5e+18");
}

}  // namespace
}  // namespace windrow::tools
