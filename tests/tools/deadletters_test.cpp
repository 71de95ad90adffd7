#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tools/line_numbers.hpp"
#include "tools/report_deadletters.hpp"

namespace windrow::tools {
namespace {

letter_listing one_letter() {
  letter_line shown;
  shown.source = "payments";
  shown.partition = "/in/payments.ndjson";
  shown.where = "line 7";
  shown.line = 7;
  shown.letter.at = 700;
  shown.letter.stream = "payment_stream";
  shown.letter.phase = "parse";
  shown.letter.reason = "type";
  shown.letter.message = "Key 'amount': expected float.";
  shown.letter.bytes = "{\"id\": \"\x1b[2J\"}";
  shown.letter.total_bytes = shown.letter.bytes.size();
  return {{shown}, 1, {{"/in/payments.ndjson", "parse", "type", 1}}};
}

TEST(LetterList, HasOneLineALetterAndNoCountsThatSayTheSame) {
  EXPECT_EQ(list_table(one_letter(), {}),
            " source      at   where    phase   reason   what is wrong                   message\n"
            "──────────────────────────────────────────────────────────────────────────────────────"
            "──────────\n"
            " payments   700   line 7   parse   type     Key 'amount': expected float.   "
            "{\"id\": \"\\u{1b}[2J\"}\n");
}

TEST(LetterList, CountsWhatItDoesNotShow) {
  letter_listing what = one_letter();
  what.found = 12;
  what.counts[0].count = 3'000;
  const std::string text = list_table(what, {});
  EXPECT_NE(text.find("and 11 older"), std::string::npos) << text;
  EXPECT_NE(text.find("3,000"), std::string::npos) << text;
}

TEST(LetterList, SaysThatThereAreNone) { EXPECT_EQ(list_table({}, {}), "no dead letters\n"); }

TEST(LetterShow, CannotControlTheTerminal) {
  EXPECT_EQ(show_text(one_letter()),
            "payments, line 7, at 700 of /in/payments.ndjson\n"
            "parse: type: Key 'amount': expected float.\n"
            "arrived 1970-01-01T00:00:00Z, for the stream payment_stream\n"
            "{\"id\": \"\\u{1b}[2J\"}\n");
}

TEST(LetterShow, SaysHowMuchOfALongMessageIsKept) {
  letter_listing what = one_letter();
  what.letters[0].letter.total_bytes = 11 << 20;
  EXPECT_NE(show_text(what).find("the first 14 B of 11.0 MiB"), std::string::npos)
      << show_text(what);
}

TEST(LetterShow, GivesTheBytesAsTheyCame) {
  EXPECT_EQ(show_raw(one_letter()), "{\"id\": \"\x1b[2J\"}\n");
}

TEST(LetterJson, HasPlaceReasonAndBytes) {
  EXPECT_EQ(letters_json(one_letter(), true),
            R"({"found": 1, "counts": [{"partition": "/in/payments.ndjson", "phase": "parse", )"
            R"("reason": "type", "messages": 1}], "letters": [{"source": "payments", )"
            R"("stream": "payment_stream", "partition": "/in/payments.ndjson", "at": 700, )"
            R"("line": 7, "phase": "parse", "reason": "type", )"
            R"("message": "Key 'amount': expected float.", "arrival": "1970-01-01T00:00:00Z", )"
            R"("total_bytes": 14, "bytes": "{\"id\": \"\u001b[2J\"}"}]})"
            "\n");
}

class LineNumbers : public testing::Test {
protected:
  void write(const std::string& text) {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
  void TearDown() override { std::remove(path_.c_str()); }

  const std::string path_ = testing::TempDir() + "lines-" + std::to_string(::getpid());
  using numbers = std::map<std::uint64_t, std::uint64_t>;
};

TEST_F(LineNumbers, CountLinesUpToAnOffset) {
  write("a\nbb\n\nc\n");
  EXPECT_EQ(line_numbers(path_, {8, 2, 5}, 1 << 20), (numbers{{2, 1}, {5, 2}, {8, 4}}));
}

TEST_F(LineNumbers, KnowALastLineWithoutNewline) {
  write("a\nbb");
  EXPECT_EQ(line_numbers(path_, {4, 2}, 1 << 20), (numbers{{2, 1}, {4, 2}}));
}

TEST_F(LineNumbers, GiveNothingWhereNoLineEnds) {
  write("a\nbb\n");
  EXPECT_EQ(line_numbers(path_, {0, 3, 99}, 1 << 20), numbers{});
}

TEST_F(LineNumbers, CountAcrossBlocks) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "12345\n";
  write(text);
  EXPECT_EQ(line_numbers(path_, {2'400'000, 1'200'000}, 1 << 30),
            (numbers{{1'200'000, 200'000}, {2'400'000, 400'000}}));
}

TEST_F(LineNumbers, GiveNothingWithoutAFile) {
  EXPECT_EQ(line_numbers(path_ + "-none", {1}, 1 << 20), numbers{});
}

}  // namespace
}  // namespace windrow::tools
