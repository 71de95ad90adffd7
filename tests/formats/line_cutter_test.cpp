#include "formats/line_cutter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace windrow::formats {
namespace {

struct line {
  std::string text;
  sequence after = 0;
  std::uint64_t oversized = 0;
  friend bool operator==(const line&, const line&) = default;
  friend void PrintTo(const line& l, std::ostream* out) {
    *out << "'" << l.text << "' " << l.after << " " << l.oversized;
  }
};

framing_limits small_limits() {
  framing_limits limits;
  limits.chunk_bytes = 32;
  limits.message_bytes_max = 128;
  limits.oversized_head = 10;
  return limits;
}

void collect(line_cutter& cutter, bool line_ends, std::vector<line>& lines) {
  while (const auto run = cutter.cut(timestamp{1}, line_ends)) {
    for (const message_view& message : run->messages) {
      lines.push_back(
          {std::string(message.text()), message.sequence, message.oversized ? run->true_size : 0});
    }
    EXPECT_EQ(run->last, cutter.position());
  }
}

/// Feeds `text` in pieces of at most `piece` bytes.
std::vector<line> cut_all(const std::string& text, std::size_t piece,
                          framing_limits limits = small_limits(), sequence position = 0) {
  line_cutter cutter(1, position, limits);
  std::vector<line> lines;
  for (std::size_t at = position; at < text.size();) {
    const auto space = cutter.space();
    const std::size_t take = std::min({space.size(), piece, text.size() - at});
    std::memcpy(space.data(), text.data() + at, take);
    cutter.filled(take);
    at += take;
    collect(cutter, false, lines);
  }
  collect(cutter, true, lines);
  EXPECT_EQ(cutter.position(), text.size());
  EXPECT_FALSE(cutter.pending());
  return lines;
}

/// The same by looking at the whole text.
std::vector<line> expected(const std::string& text, framing_limits limits = small_limits()) {
  std::vector<line> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = std::min(text.find('\n', begin), text.size());
    std::string content = text.substr(begin, newline - begin);
    const std::size_t after = std::min(newline + 1, text.size());
    if (content.size() >= limits.message_bytes_max) {
      lines.push_back({content.substr(0, limits.oversized_head), after, content.size()});
    } else {
      if (!content.empty() && content.back() == '\r') content.pop_back();
      if (content.find_first_not_of(" \t\r") != content.npos) lines.push_back({content, after, 0});
    }
    begin = after;
  }
  return lines;
}

TEST(LineCutter, GivesLinesWithThePositionAfterEach) {
  EXPECT_EQ(cut_all("ab\ncde\n", 100), (std::vector<line>{{"ab", 3, 0}, {"cde", 7, 0}}));
}

TEST(LineCutter, AcceptsCarriageReturnsAndSkipsBlankLines) {
  EXPECT_EQ(cut_all("ab\r\n\r\n \t \n\nc\r\n", 100),
            (std::vector<line>{{"ab", 4, 0}, {"c", 14, 0}}));
}

TEST(LineCutter, AnUnterminatedLastLineEndsWhereTheInputEnds) {
  EXPECT_EQ(cut_all("ab\nc", 100), (std::vector<line>{{"ab", 3, 0}, {"c", 4, 0}}));
}

TEST(LineCutter, SkipsAByteOrderMarkAtTheBeginningOnly) {
  EXPECT_EQ(cut_all("\xEF\xBB\xBF"
                    "a\n\xEF\xBB\xBF"
                    "b\n",
                    100),
            (std::vector<line>{{"a", 5, 0},
                               {"\xEF\xBB\xBF"
                                "b",
                                10, 0}}));
}

TEST(LineCutter, KeepsOnlyTheHeadOfALineThatIsTooLong) {
  const std::string text = "a\n" + std::string(5000, 'x') + "\nb\n";
  EXPECT_EQ(cut_all(text, 7),
            (std::vector<line>{{"a", 2, 0}, {"xxxxxxxxxx", 5003, 5000}, {"b", 5005, 0}}));
}

TEST(LineCutter, ALineOneByteBelowTheLimitIsWholeAndOneAtTheLimitIsNot) {
  const std::string below(127, 'x');
  const std::string at_limit(128, 'y');
  EXPECT_EQ(cut_all(below + "\n" + at_limit + "\n", 50),
            (std::vector<line>{{below, 128, 0}, {"yyyyyyyyyy", 257, 128}}));
  EXPECT_EQ(cut_all(at_limit, 50), (std::vector<line>{{"yyyyyyyyyy", 128, 128}}));
}

TEST(LineCutter, ReportsALineOfTenMebibytesAtTheDefaultLimits) {
  const std::string whole(10 * 1024 * 1024 - 1, 'x');
  const auto good = cut_all(whole + "\n", 1 << 20, {});
  ASSERT_EQ(good.size(), 1u);
  EXPECT_EQ(good[0].text.size(), whole.size());
  const auto bad = cut_all(whole + "x\nok\n", 1 << 20, {});
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[0].oversized, whole.size() + 1);
  EXPECT_EQ(bad[0].text.size(), 1024u);
  EXPECT_EQ(bad[1].text, "ok");
}

TEST(LineCutter, ARunOfBlankLinesMovesThePosition) {
  line_cutter cutter(1, 0, small_limits());
  const auto space = cutter.space();
  std::memcpy(space.data(), "\n\n\n", 3);
  cutter.filled(3);
  const auto run = cutter.cut(timestamp{5}, false);
  ASSERT_NE(run, nullptr);
  EXPECT_TRUE(run->messages.empty());
  EXPECT_EQ(run->last, 3u);
  EXPECT_EQ(run->arrival.micros, 5);
}

TEST(LineCutter, CutsRandomTextAsThoughItWereWholeWhereverItIsResumed) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::string text;
    for (int i = 0; i < 20; ++i) {
      const unsigned kind = random() % 10;
      const std::size_t size = kind == 0 ? 0 : kind == 1 ? 100 + random() % 300 : random() % 40;
      for (std::size_t j = 0; j < size; ++j) text += "abc \t\r"[random() % (kind == 2 ? 6 : 3)];
      text += random() % 8 == 0 ? "\r\n" : "\n";
    }
    if (random() % 2 == 0) text.resize(text.size() - random() % 5);
    const auto want = expected(text);
    EXPECT_EQ(cut_all(text, 1 + random() % 100), want);
    for (std::size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(cut_all(text, 1 + random() % 100, small_limits(), want[i].after),
                std::vector<line>(want.begin() + static_cast<std::ptrdiff_t>(i) + 1, want.end()));
    }
  }
}

TEST(MessageRun, IsMadeFromMessagesHeldElsewhere) {
  const std::pair<sequence, std::string_view> messages[] = {{4, "a"}, {9, ""}, {10, "bc"}};
  const auto run = make_run(3, 2, 11, timestamp{7}, messages);
  EXPECT_EQ(run->partition, 3u);
  EXPECT_EQ(run->after, 2u);
  EXPECT_EQ(run->last, 11u);
  ASSERT_EQ(run->messages.size(), 3u);
  EXPECT_EQ(run->messages[0].text(), "a");
  EXPECT_EQ(run->messages[1].text(), "");
  EXPECT_EQ(run->messages[2].text(), "bc");
  EXPECT_EQ(run->messages[2].sequence, 10u);
}

// Blank lines are no messages, but they are lines.
TEST(LineCutter, CountsTheLinesOfARun) {
  for (const std::size_t piece : {1, 3, 7, 1000}) {
    SCOPED_TRACE(piece);
    const std::string text =
        "\xEF\xBB\xBF"
        "a\n\n  \r\nb\n" +
        std::string(300, 'x') + "\n\nlonger than the others\n\nc\n \n\nd";
    line_cutter cutter(1, 0, small_limits());
    std::vector<std::string> lines;
    std::uint64_t total = 0;
    const auto take = [&](bool line_ends) {
      while (const auto run = cutter.cut(timestamp{1}, line_ends)) {
        sequence position = run->after;
        std::uint64_t of_run = 0;
        for (const message_view& message : run->messages) {
          of_run += count_lines(*run, position, message.sequence);
          lines.push_back(std::string(message.text()).substr(0, 2) + " " +
                          std::to_string(total + of_run));
          position = message.sequence;
        }
        of_run += count_lines(*run, position, run->last);
        total += of_run;
        if (run->true_size == 0) {
          EXPECT_EQ(count_lines(*run, run->after, run->last), of_run);
        }
      }
    };
    for (std::size_t at = 0; at < text.size();) {
      const auto space = cutter.space();
      const std::size_t size = std::min({space.size(), piece, text.size() - at});
      std::memcpy(space.data(), text.data() + at, size);
      cutter.filled(size);
      at += size;
      take(false);
    }
    take(true);
    EXPECT_EQ(lines, (std::vector<std::string>{"a 1", "b 4", "xx 5", "lo 7", "c 9", "d 12"}));
    EXPECT_EQ(total, 12u);
  }
}

TEST(ClosedObject, IsAllOfItToTheLastBrace) {
  const std::string whole = R"({"a": {"b": ["}", "\"{", "\\"]}, "c": 1})";
  EXPECT_TRUE(is_closed_object(whole));
  EXPECT_TRUE(is_closed_object(whole + " \t"));
  for (std::size_t i = 0; i < whole.size(); ++i)
    EXPECT_FALSE(is_closed_object(std::string_view(whole).substr(0, i))) << whole.substr(0, i);
  EXPECT_FALSE(is_closed_object("words"));
}

}  // namespace
}  // namespace windrow::formats
