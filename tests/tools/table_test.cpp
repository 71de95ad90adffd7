#include "tools/table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace windrow::tools {
namespace {

TEST(Table, AlignsNumbersRightAndTextLeft) {
  table t({"airport", "departures\n7d", "mean delay\n7d"});
  t.row({"DFW", "49", "2.1224"}).row({"ORD", "1,044", "–"}).row({"Zürich", "", "-0.5"});
  EXPECT_EQ(t.render(),
            "           departures   mean delay\n"
            " airport           7d           7d\n"
            "───────────────────────────────────\n"
            " DFW               49       2.1224\n"
            " ORD            1,044            –\n"
            " Zürich                       -0.5\n");
}

TEST(Table, HasATitleAFooterAndRules) {
  table t({"a", "b"});
  t.title("Title").footer("two rows").footer("really").row({"x", "y"}).rule().row({"z"});
  EXPECT_EQ(t.render(),
            "Title\n"
            " a   b\n"
            "───────\n"
            " x   y\n"
            "───────\n"
            " z\n"
            "two rows\n"
            "really\n");
  EXPECT_EQ(t.rows(), 2u);
}

TEST(Table, WithoutRowsIsItsHeader) { EXPECT_EQ(table({"a", "b"}).render(), " a   b\n───────\n"); }

TEST(Table, ACellCannotBreakTheLine) {
  table t({"key"});
  t.row({"a\nb\x1b[2J"});
  EXPECT_EQ(t.render(), " key\n───────────────\n a\\nb\\u{1b}[2J\n");
}

TEST(Table, MeasuresColumnsNotBytes) {
  table t({"name", "n"});
  t.row({"漢字", "1"}).row({"Zu\u0308", "2"});
  EXPECT_EQ(t.render(),
            " name   n\n"
            "──────────\n"
            " 漢字   1\n"
            " Zu\u0308     2\n");
}

TEST(Table, CutsTextButNeverNumbersToFitTheTerminal) {
  table t({"reason", "count"});
  t.row({"the amount is not a number", "1234567"});
  EXPECT_EQ(t.render({.width = 26}),
            " reason             count\n"
            "──────────────────────────\n"
            " the amount is…   1234567\n");
  EXPECT_EQ(t.render({.width = 5}),
            " reason       count\n"
            "────────────────────\n"
            " the amo…   1234567\n");
}

TEST(Table, AStatedAlignmentWins) {
  table t({{"id", align::left}, {"text", align::right}});
  t.row({"1", "a"}).row({"22", "bb"});
  EXPECT_EQ(t.render(), " id   text\n───────────\n 1       a\n 22     bb\n");
}

TEST(Table, ColoursAreOnlyAddedWhenAskedFor) {
  table t({"a"});
  t.row({"x"}).footer("f");
  EXPECT_EQ(t.render({.colours = true}),
            "\x1b[1m a\x1b[0m\n\x1b[2m───\x1b[0m\n x\n\x1b[2mf\x1b[0m\n");
}

TEST(LooksNumeric, KnowsNumbersWithUnits) {
  for (const char* cell : {"12", "-0.5", "1,234", "12.3 MiB", "4 %", "2m05s", "–", "1.5e+18"}) {
    EXPECT_TRUE(looks_numeric(cell)) << cell;
  }
  for (const char* cell : {"", "a1", "-x", "2026-03-01", "12:30", "User", "1/2"}) {
    EXPECT_FALSE(looks_numeric(cell)) << cell;
  }
}

}  // namespace
}  // namespace windrow::tools
