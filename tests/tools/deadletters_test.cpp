#include <gtest/gtest.h>
#include <string>

#include "tests/server/answers.hpp"
#include "tools/report_deadletters.hpp"

namespace windrow::tools {
namespace {

using test::one_dead_letter;

TEST(LetterList, HasOneLineALetterAndNoCountsThatSayTheSame) {
  EXPECT_EQ(list_table(one_dead_letter(), {}),
            " source      at   where    phase   reason   what is wrong                   message\n"
            "──────────────────────────────────────────────────────────────────────────────────────"
            "──────────\n"
            " payments   700   line 7   parse   type     Key 'amount': expected float.   "
            "{\"id\": \"\\u{1b}[2J\"}\n");
}

TEST(LetterList, CountsWhatItDoesNotShow) {
  dead_letter_listing what = one_dead_letter();
  what.found = 12;
  what.counts[0].count = 3'000;
  const std::string text = list_table(what, {});
  EXPECT_NE(text.find("and 11 older"), std::string::npos) << text;
  EXPECT_NE(text.find("3,000"), std::string::npos) << text;
}

TEST(LetterList, SaysThatThereAreNone) { EXPECT_EQ(list_table({}, {}), "no dead letters\n"); }

TEST(LetterShow, CannotControlTheTerminal) {
  EXPECT_EQ(show_text(one_dead_letter()),
            "payments, line 7, at 700 of /in/payments.ndjson\n"
            "parse: type: Key 'amount': expected float.\n"
            "arrived 1970-01-01T00:00:00Z, for the stream payment_stream\n"
            "{\"id\": \"\\u{1b}[2J\"}\n");
}

TEST(LetterShow, SaysHowMuchOfALongMessageIsKept) {
  dead_letter_listing what = one_dead_letter();
  what.dead_letters[0].letter.total_bytes = 11 << 20;
  EXPECT_NE(show_text(what).find("the first 14 B of 11.0 MiB"), std::string::npos)
      << show_text(what);
}

TEST(LetterShow, GivesTheBytesAsTheyCame) {
  EXPECT_EQ(show_raw(one_dead_letter()), "{\"id\": \"\x1b[2J\"}\n");
}

}  // namespace
}  // namespace windrow::tools
