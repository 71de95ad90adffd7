#include "formats/line_ends.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace windrow::formats {
namespace {

/// A file that is gone with the test.
class LineEnds : public ::testing::Test {
protected:
  LineEnds() : path_(::testing::TempDir() + "line_ends_test." + std::to_string(::getpid())) {}
  ~LineEnds() override { std::remove(path_.c_str()); }
  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  std::string path_;
};

TEST_F(LineEnds, FindsTheNextBeginningOfALine) {
  write("ab\ncd\n");
  EXPECT_EQ(*line_end_after(path_, 0), 0u);
  EXPECT_EQ(*line_end_after(path_, 1), 3u);
  EXPECT_EQ(*line_end_after(path_, 2), 3u);
  EXPECT_EQ(*line_end_after(path_, 3), 3u) << "a line begins here";
  EXPECT_EQ(*line_end_after(path_, 4), 6u);
  EXPECT_EQ(*line_end_after(path_, 6), 6u);
}

TEST_F(LineEnds, RefusesWhatIsNotInTheFile) {
  write("ab\ncd");
  EXPECT_EQ(line_end_after(path_, 6).error().code, errc::invalid);
  EXPECT_NE(line_end_after(path_, 6).error().message.find("has 5 bytes"), std::string::npos);
  EXPECT_EQ(line_end_after(path_, 4).error().code, errc::invalid);
  EXPECT_EQ(line_end_after(path_ + ".none", 4).error().code, errc::io);
  EXPECT_EQ(line_end_before(path_ + ".none").error().code, errc::io);
}

TEST_F(LineEnds, FindsTheEndOfTheLastWholeLine) {
  write("");
  EXPECT_EQ(*line_end_before(path_), 0u);
  write("ab");
  EXPECT_EQ(*line_end_before(path_), 0u);
  write("ab\ncd");
  EXPECT_EQ(*line_end_before(path_), 3u);
  write("ab\ncd\n");
  EXPECT_EQ(*line_end_before(path_), 6u);
}

TEST_F(LineEnds, LooksBeyondOneBlock) {
  const std::string longer(200'000, 'x');
  write("ab\n" + longer);
  EXPECT_EQ(*line_end_before(path_), 3u);
  write("ab\n" + longer + "\n");
  EXPECT_EQ(*line_end_after(path_, 10), 200'004u);
}

}  // namespace
}  // namespace windrow::formats
