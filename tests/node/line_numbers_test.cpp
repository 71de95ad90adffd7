#include "node/line_numbers.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace windrow::node {
namespace {

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
}  // namespace windrow::node
