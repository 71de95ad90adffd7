#include "sources/file_source.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.hpp"

namespace windrow::sources {
namespace {

/// Notes kept in memory; the clock is a counter.
class notes_in_memory : public arrival_notes {
public:
  result<arrival_note> note(partition_id, sequence from, sequence to) override {
    for (const auto& [begin, noted] : ranges_) {
      if (begin <= from && from < noted.to) {
        return arrival_note{noted.arrival, std::min(noted.to, to),
                            noted.line_ends && noted.to <= to};
      }
      if (from < begin) to = std::min(to, begin);
    }
    ++asked;
    return ranges_[from] = {timestamp{++clock}, to, false};
  }
  result<void> end_line(partition_id, sequence at) override {
    for (auto& [begin, noted] : ranges_) {
      if (noted.to == at) noted.line_ends = true;
    }
    return {};
  }
  int asked = 0;
  std::int64_t clock = 0;

private:
  std::map<sequence, arrival_note> ranges_;
};

struct line {
  std::string text;
  sequence after = 0;
  std::int64_t arrival = 0;
  friend bool operator==(const line&, const line&) = default;
  friend void PrintTo(const line& l, std::ostream* out) {
    *out << "'" << l.text << "' " << l.after << " @" << l.arrival;
  }
};

class FileSource : public testing::Test {
protected:
  void write(const std::string& text) { test::spill(path_, text); }
  void append(const std::string& text) { folder_.append("events.ndjson", text); }
  file_identity identity() { return **identify(path_); }

  result<std::unique_ptr<file_source>> open(const file_identity& as, sequence position, bool once) {
    file_source_options options;
    options.identity = as;
    options.partition = 1;
    options.position = position;
    options.once = once;
    options.notes = &notes_;
    options.reset_command = "windrow source reset events --data ./state";
    options.limits.chunk_bytes = 64;
    options.limits.message_bytes_max = 1000;
    return file_source::open(options);
  }

  /// Reads until there is nothing more for now; returns how it stopped.
  static source_step::kind drain(file_source& source, std::vector<line>& lines) {
    while (true) {
      const auto step = source.next();
      if (!step.ok()) ADD_FAILURE() << step.error().message;
      if (!step.ok() || step->what != source_step::kind::run) {
        return step.ok() ? step->what : source_step::kind::end;
      }
      for (const auto& message : step->run->messages) {
        lines.push_back({std::string(message.text()), message.sequence, step->run->arrival.micros});
      }
    }
  }

  std::vector<line> read_all(sequence position, bool once) {
    std::vector<line> lines;
    const auto source = open(identity(), position, once);
    EXPECT_TRUE(source.ok());
    if (source.ok()) drain(**source, lines);
    return lines;
  }

  test::temporary_folder folder_;
  std::string path_ = folder_ / "events.ndjson";
  notes_in_memory notes_;
};

TEST_F(FileSource, ReadsLinesToTheEnd) {
  write("a\nb\n");
  EXPECT_EQ(read_all(0, true), (std::vector<line>{{"a", 2, 1}, {"b", 4, 1}}));
}

TEST_F(FileSource, OnceTakesAnUnterminatedLastLineThatIsAnObject) {
  write("a\n{}");
  EXPECT_EQ(read_all(0, true), (std::vector<line>{{"a", 2, 1}, {"{}", 4, 1}}));
}

TEST_F(FileSource, OnceLeavesHalfALineForTheRunThatSeesItsEnd) {
  write("a\n{\"b\": \"}\"");
  EXPECT_EQ(read_all(0, true), (std::vector<line>{{"a", 2, 1}}));
  append("}\n");
  EXPECT_EQ(read_all(2, true), (std::vector<line>{{"{\"b\": \"}\"}", 13, 2}}));
}

TEST_F(FileSource, FollowingWaitsForTheNewline) {
  write("a\nb");
  const auto source = open(identity(), 0, false);
  std::vector<line> lines;
  EXPECT_EQ(drain(**source, lines), source_step::kind::nothing);
  EXPECT_EQ(lines, (std::vector<line>{{"a", 2, 1}}));
  append("c\n");
  EXPECT_EQ(drain(**source, lines), source_step::kind::nothing);
  EXPECT_EQ(lines, (std::vector<line>{{"a", 2, 1}, {"bc", 5, 2}}));
}

TEST_F(FileSource, WhatIsAppendedAfterAnUnterminatedLineWasTakenIsALineOfItsOwn) {
  write("a\n{}");
  EXPECT_EQ(read_all(0, true).size(), 2u);
  append("c\nd\n");
  EXPECT_EQ(read_all(4, true), (std::vector<line>{{"c", 6, 2}, {"d", 8, 2}}));
}

TEST_F(FileSource, AnUnterminatedLineThatWasTakenIsTheSameLineWhenReadAgain) {
  write("a\n{}");
  const auto first = read_all(0, true);
  append("\nc\n");
  for (const bool once : {true, false}) {
    const auto again = read_all(0, once);
    ASSERT_GE(again.size(), 2u);
    EXPECT_EQ(std::vector<line>(again.begin(), again.begin() + 2), first);
    EXPECT_EQ(again.back(), (line{"c", 7, 2}));
  }
}

TEST_F(FileSource, ArrivalIsAskedForOncePerGrowth) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i) + "\n";
  write(text);
  const auto source = open(identity(), 0, false);
  std::vector<line> lines;
  drain(**source, lines);
  EXPECT_EQ(notes_.asked, 1);
  append("x\n");
  drain(**source, lines);
  EXPECT_EQ(notes_.asked, 2);
  EXPECT_EQ(lines.front().arrival, 1);
  EXPECT_EQ(lines[199].arrival, 1);
  EXPECT_EQ(lines.back().arrival, 2);
}

TEST_F(FileSource, ResumingAtEveryPositionGivesTheSameMessages) {
  std::mt19937 random(5);
  write("");
  std::vector<line> all;
  {
    append("first\n");
    const auto source = open(identity(), 0, false);
    for (int i = 0; i < 10; ++i) {
      std::string text;
      for (unsigned j = random() % 20; j > 0; --j) {
        text += std::string(random() % 90, 'x') + (random() % 6 == 0 ? "" : "\n");
      }
      append(text);
      drain(**source, all);
    }
    append("\n");
    drain(**source, all);
  }
  ASSERT_GT(all.size(), 50u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<line> rest;
    const auto source = open(identity(), all[i].after, false);
    drain(**source, rest);
    EXPECT_EQ(rest, std::vector<line>(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end()));
  }
}

TEST_F(FileSource, AFileThatHasGrownIsStillTheSame) {
  write("a\n");
  const auto before = identity();
  append(std::string(10'000, 'x') + "\n");
  EXPECT_EQ(before.head_size, 2u);
  EXPECT_TRUE(open(before, 2, true).ok());
}

TEST_F(FileSource, AFileShorterThanThePositionIsRefusedWithTheCommandThatHelps) {
  write("a\nb\n");
  const auto before = identity();
  std::filesystem::resize_file(path_, 3);
  const auto source = open(before, 4, true);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, errc::mismatch);
  EXPECT_EQ(source.error().message,
            "The file '" + path_ +
                "' is shorter than what has been read of it (3 bytes, read 4). It is not the file "
                "this folder has read from. Put the former file back, or give up its position "
                "with: windrow source reset events --data ./state");
}

TEST_F(FileSource, AFileThatBeginsDifferentlyIsRefused) {
  write("a\nb\n");
  const auto before = identity();
  write("x\nb\n");
  const auto source = open(before, 4, true);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code, errc::mismatch);
  EXPECT_NE(source.error().message.find("first 4 bytes are different"), std::string::npos);
}

TEST_F(FileSource, AFileThatShrinksWhileItIsFollowedIsRefused) {
  write("a\nb\n");
  const auto source = open(identity(), 0, false);
  std::vector<line> lines;
  drain(**source, lines);
  std::filesystem::resize_file(path_, 2);
  const auto step = (*source)->next();
  ASSERT_FALSE(step.ok());
  EXPECT_EQ(step.error().code, errc::mismatch);
}

TEST_F(FileSource, AFileReplacedByAContinuationIsFollowedOn) {
  write("a\nb\n");
  const auto source = open(identity(), 0, false);
  std::vector<line> lines;
  drain(**source, lines);
  std::filesystem::rename(folder_.write("new", "a\nb\nc\n"), path_);
  drain(**source, lines);
  EXPECT_EQ(lines.back(), (line{"c", 6, 2}));
}

TEST_F(FileSource, AFileReplacedByAnotherIsRefused) {
  write("a\nb\n");
  const auto source = open(identity(), 0, false);
  std::vector<line> lines;
  drain(**source, lines);
  std::filesystem::rename(folder_.write("new", "x\ny\nz\n"), path_);
  const auto step = (*source)->next();
  ASSERT_FALSE(step.ok());
  EXPECT_EQ(step.error().code, errc::mismatch);
}

TEST_F(FileSource, AnEmptyFileIsNoPartitionYet) {
  write("");
  const auto found = identify(path_);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
}

TEST_F(FileSource, AMissingFileAFolderAndAPipeAreRefused) {
  EXPECT_EQ(identify(path_).error().code, errc::not_found);
  EXPECT_EQ(identify(folder_.path()).error().code, errc::invalid);
  EXPECT_EQ(identify("/dev/null").error().code, errc::invalid);
}

TEST(PartitionName, IsReadBack) {
  const file_identity identity{"/data/a#b c.ndjson", 0x0123456789abcdefu, 4096};
  EXPECT_EQ(partition_name(identity), "file:/data/a#b c.ndjson#0123456789abcdef.4096");
  EXPECT_EQ(*parse_file_partition_name(partition_name(identity)), identity);
}

TEST(PartitionName, WhatIsNoneIsCorrupt) {
  for (const char* name :
       {"", "file:", "file:#", "stdin:3", "file:/a", "file:/a#12", "file:/a#0123456789abcdef",
        "file:/a#0123456789abcdef.", "file:/a#0123456789abcdef.0", "file:/a#0123456789abcdef.4097",
        "file:/a#0123456789abcdeg.5", "file:/a#0123456789abcdef.5x"}) {
    const auto read = parse_file_partition_name(name);
    ASSERT_FALSE(read.ok()) << name;
    EXPECT_EQ(read.error().code, errc::corrupt);
  }
}

}  // namespace
}  // namespace windrow::sources
