#include "sources/pipe_reader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace windrow::sources {
namespace {

struct pipe_pair {
  pipe_pair() { EXPECT_EQ(::pipe(ends), 0); }
  ~pipe_pair() {
    ::close(ends[0]);
    close_writer();
  }
  void write(const std::string& text) {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_writer() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
  int ends[2] = {-1, -1};
};

TEST(StreamSource, GivesWhatIsThereAndWaitsForTheRestOfALine) {
  pipe_pair pipe;
  pipe_reader source(pipe.ends[0], 1);
  EXPECT_EQ(source.next(timestamp{1})->what, source_step::kind::nothing);
  pipe.write("a\nb");
  auto step = source.next(timestamp{2});
  ASSERT_EQ(step->what, source_step::kind::run);
  ASSERT_EQ(step->run->messages.size(), 1u);
  EXPECT_EQ(step->run->messages[0].text(), "a");
  EXPECT_EQ(step->run->arrival.micros, 2);
  EXPECT_EQ(source.next(timestamp{3})->what, source_step::kind::nothing);
  pipe.write("c\n");
  step = source.next(timestamp{4});
  ASSERT_EQ(step->what, source_step::kind::run);
  EXPECT_EQ(step->run->messages[0].text(), "bc");
  EXPECT_EQ(step->run->messages[0].sequence, 5u);
}

TEST(StreamSource, ComesBackFromALineThatDoesNotEnd) {
  const int zeros = ::open("/dev/zero", O_RDONLY);
  ASSERT_GE(zeros, 0);
  pipe_reader source(zeros, 1);
  int oversized = 0, nothing = 0;
  for (int i = 0; i < 100; ++i) {  // each would never return if it waited for the end of the line
    const auto step = source.next(timestamp{1});
    ASSERT_TRUE(step.ok());
    nothing += step->what == source_step::kind::nothing;
    if (step->run) oversized += step->run->messages.front().oversized;
  }
  EXPECT_LE(oversized, 1);
  EXPECT_GE(nothing, 90);
  ::close(zeros);
}

// A run becomes one entry of the journal, which numbers 2^20 - 1 messages at most.
TEST(StreamSource, GivesNoMoreLinesAtOnceAfterALongOne) {
  const int file = ::memfd_create("lines", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  constexpr std::size_t lines = 3'000'000;
  std::string text(4'300'000, 'x');
  text += '\n';
  for (std::size_t i = 0; i < lines; ++i) text += "1\n";
  ASSERT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(::lseek(file, 0, SEEK_SET), 0);
  pipe_reader source(file, 1);
  std::size_t given = 0, most = 0;
  for (;;) {
    const auto step = source.next(timestamp{1});
    ASSERT_TRUE(step.ok());
    if (step->what == source_step::kind::end) break;
    if (!step->run) continue;
    given += step->run->messages.size();
    most = std::max(most, step->run->messages.size());
  }
  EXPECT_EQ(given, lines + 1);
  EXPECT_LT(most, std::size_t{1} << 20);
  ::close(file);
}

TEST(StreamSource, AnUnterminatedLastLineCountsAtTheEnd) {
  pipe_pair pipe;
  pipe_reader source(pipe.ends[0], 1);
  pipe.write("a\nb");
  pipe.close_writer();
  std::vector<std::string> lines;
  while (true) {
    const auto step = source.next(timestamp{1});
    ASSERT_TRUE(step.ok());
    if (step->what == source_step::kind::end) break;
    ASSERT_EQ(step->what, source_step::kind::run);
    for (const auto& message : step->run->messages) lines.emplace_back(message.text());
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(source.position(), 3u);
}

TEST(StreamSource, WaitSaysWhetherThereIsSomethingToRead) {
  pipe_pair pipe;
  pipe_reader source(pipe.ends[0], 1);
  EXPECT_FALSE(*source.wait(0));
  pipe.write("a");
  EXPECT_TRUE(*source.wait(1000));
}

TEST(StreamSource, ADescriptorThatCannotBeReadIsAnError) {
  pipe_reader source(::dup(1) + 1000, 1);
  const auto step = source.next(timestamp{1});
  EXPECT_FALSE(step.ok());
}

TEST(StreamSource, LeavesHalfALineWhereOnlyClosedObjectsAreTaken) {
  for (const std::string rest : {"{}", "{"}) {
    pipe_pair pipe;
    pipe_reader source(pipe.ends[0], 1, {}, pipe_reader::last_line::taken_if_closed_object);
    pipe.write("a\n" + rest);
    pipe.close_writer();
    std::size_t lines = 0;
    while (true) {
      const auto step = source.next(timestamp{1});
      ASSERT_TRUE(step.ok());
      if (step->what == source_step::kind::end) break;
      lines += step->run->messages.size();
    }
    EXPECT_EQ(lines, rest == "{}" ? 2u : 1u);
    EXPECT_EQ(source.left_a_line(), rest == "{");
  }
}

}  // namespace
}  // namespace windrow::sources
