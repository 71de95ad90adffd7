#include "tools/text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace windrow::tools {
namespace {

TEST(Printable, KeepsTextThatIsSafe) {
  EXPECT_EQ(printable("Ünïcode, 漢字 and 🛫"), "Ünïcode, 漢字 and 🛫");
}

TEST(Printable, ShowsControlCharacters) {
  EXPECT_EQ(printable("a\nb\tc\rd\x1b[31m"), "a\\nb\\tc\\rd\\u{1b}[31m");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\u{0}");
  EXPECT_EQ(printable("\xc2\x9b"), "\\u{9b}");  // an escape of one character
}

TEST(Printable, ReplacesEachByteThatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff\xfe"
                      "b"),
            "a\uFFFD\uFFFDb");
  EXPECT_EQ(printable("\xe2\x82"), "\uFFFD\uFFFD");                      // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");            // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond Unicode
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("Zürich"), 6u);
  EXPECT_EQ(display_width("Zu\u0308rich"), 6u);  // a combining mark
  EXPECT_EQ(display_width("漢字"), 4u);
  EXPECT_EQ(display_width("🛫"), 2u);
  EXPECT_EQ(display_width("█▌░─…–"), 6u);
}

TEST(Pad, FillsByColumnsNotBytes) {
  EXPECT_EQ(pad("ü", 3), "ü  ");
  EXPECT_EQ(pad("漢", 3, align::right), " 漢");
  EXPECT_EQ(pad("long", 3), "long");
}

TEST(Truncate, EndsWithAnEllipsisWhereItCut) {
  EXPECT_EQ(truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(truncate("abcdef", 4), "abc…");
  EXPECT_EQ(truncate("漢字漢字", 6), "漢字…");  // half a character is never shown
  EXPECT_EQ(truncate("abc", 1), "…");
  EXPECT_EQ(truncate("abc", 0), "");
}

}  // namespace
}  // namespace windrow::tools
