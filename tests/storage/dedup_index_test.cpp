#include "storage/dedup/dedup_index.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

#include "tests/storage/temporary_folder.hpp"

namespace windrow::storage {
namespace {

using testing::temporary_folder;
using testing::why;

constexpr std::int64_t within = 100;

struct sent {
  const char* id;
  std::int64_t time;
  sequence at;
};

class SeenIds : public ::testing::Test {
protected:
  SeenIds() {
    options_.directory = folder_.path();
    options_.map_bytes = std::uint64_t{1} << 30;
    options_.streams = {{"a", within}, {"b", 10}};
    options_.table_ids = 50;
    options_.thread = false;
    EXPECT_TRUE(dedup_index::create(options_).ok());
    open();
  }

  void open() {
    seen_.reset();
    auto opened = dedup_index::open(options_);
    ASSERT_TRUE(opened.ok()) << why(opened);
    seen_ = std::move(*opened);
  }

  /// `+` for each message that is accepted, `=` for each duplicate.
  std::string decide(std::initializer_list<sent> messages, partition_id partition = 1,
                     int stream = 0) {
    std::vector<dedup_index::message> block;
    for (const sent& m : messages)
      block.push_back(
          {dedup_index::hash_id(m.id, 7, options_.streams[static_cast<std::size_t>(stream)].name),
           m.time, m.at});
    std::vector<std::uint8_t> duplicate;
    const auto decided = seen_->decide(stream, partition, block, duplicate);
    if (!decided) return decided.error().message;
    std::string verdicts;
    for (const std::uint8_t is : duplicate) verdicts += is != 0 ? '=' : '+';
    return verdicts;
  }

  void flush() {
    const auto flushed = seen_->flush();
    ASSERT_TRUE(flushed.ok()) << why(flushed);
  }
  void tidy() {
    const auto done = seen_->tidy();
    ASSERT_TRUE(done.ok()) << why(done);
  }

  temporary_folder folder_;
  dedup_index::options options_;
  std::unique_ptr<dedup_index> seen_;
};

TEST_F(SeenIds, FindARepeatWithinThePeriodAlsoInOneBlock) {
  EXPECT_EQ(decide({{"x", 1000, 1}, {"y", 1000, 2}, {"x", 1000, 3}, {"x", 1100, 4}}), "++==");
  EXPECT_EQ(decide({{"x", 900, 5}, {"y", 1001, 6}}), "==");
}

TEST_F(SeenIds, TakeARepeatBeyondThePeriodAsNew) {
  EXPECT_EQ(decide({{"x", 1000, 1}, {"x", 1101, 2}, {"x", 899, 3}}), "+++");
}

TEST_F(SeenIds, MeasureFromWhatWasAcceptedNotFromTheLastRepeat) {
  EXPECT_EQ(decide({{"x", 1000, 1}, {"x", 1080, 2}, {"x", 1160, 3}}), "+=+");
}

TEST_F(SeenIds, ForgetWhatIsOlderThanThePeriodInItsPartition) {
  EXPECT_EQ(decide({{"x", 1000, 1}, {"y", 1100, 2}, {"x", 1000, 3}}), "++=");
  EXPECT_EQ(decide({{"z", 1101, 4}, {"x", 1000, 5}}), "++");
}

TEST_F(SeenIds, KeepOfAPartitionThatLagsWhatItNeeds) {
  EXPECT_EQ(decide({{"x", 1000, 1}}, 1), "+");
  EXPECT_EQ(decide({{"y", 90000, 1}}, 2), "+");
  EXPECT_EQ(decide({{"x", 1000, 2}}, 1), "=");
  EXPECT_EQ(decide({{"x", 1000, 2}}, 2), "=");
  EXPECT_EQ(decide({{"y", 1000 + within + partition_lag_max + 1, 3}}, 2), "+");
  EXPECT_EQ(decide({{"x", 1000, 3}}, 1), "+");
}

TEST_F(SeenIds, KeepStreamsApart) {
  EXPECT_EQ(decide({{"x", 1000, 1}}, 1, 0), "+");
  EXPECT_EQ(decide({{"x", 1000, 1}}, 1, 1), "+");
  EXPECT_EQ(decide({{"x", 1011, 2}}, 1, 0), "=");
  EXPECT_EQ(decide({{"x", 1011, 2}}, 1, 1), "+");
}

TEST_F(SeenIds, DecideAReplayedMessageAsBefore) {
  EXPECT_EQ(decide({{"x", 1000, 1}, {"x", 1000, 2}}), "+=");
  EXPECT_EQ(decide({{"x", 1000, 1}, {"x", 1000, 2}, {"x", 1000, 3}}), "+==");
}

TEST_F(SeenIds, RememberAcrossARestartWhatWasFlushed) {
  EXPECT_EQ(decide({{"x", 1000, 1}}), "+");
  flush();
  EXPECT_EQ(decide({{"y", 1000, 2}}), "+");
  open();
  EXPECT_EQ(decide({{"x", 1000, 1}, {"x", 1000, 2}, {"y", 1000, 3}}), "+=+");
}

// Read the other way round, partition 2 moves time on before the repeat is seen.
TEST_F(SeenIds, DecideAReplayInAnotherOrderAsBefore) {
  EXPECT_EQ(decide({{"x", 1000, 1}}, 1), "+");
  EXPECT_EQ(decide({{"x", 1050, 1}, {"x", 990, 2}}, 2), "==");
  EXPECT_EQ(decide({{"y", 5000, 2}, {"x", 1000, 3}}, 1), "++");
  flush();
  open();
  EXPECT_EQ(decide({{"x", 1000, 1}, {"y", 5000, 2}, {"x", 1000, 3}}, 1), "+++");
  EXPECT_EQ(decide({{"x", 1050, 1}, {"x", 990, 2}}, 2), "==");
}

TEST_F(SeenIds, FindInRunsWhatHasLeftMemory) {
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back("id" + std::to_string(i));
  sequence at = 0;
  for (const std::string& name : names) EXPECT_EQ(decide({{name.c_str(), 1000, ++at}}), "+");
  EXPECT_GT(seen_->stats().runs, 0u);
  EXPECT_LT(seen_->stats().runs, 20u);
  EXPECT_EQ(seen_->stats().ids, 3000u);
  for (const std::string& name : names) EXPECT_EQ(decide({{name.c_str(), 1000, ++at}}), "=");
  flush();
  open();
  for (const std::string& name : names) EXPECT_EQ(decide({{name.c_str(), 1000, ++at}}), "=");
}

TEST_F(SeenIds, LetIdsLeaveThatNoReplayNeeds) {
  sequence at = 0;
  std::uint64_t most = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "id" + std::to_string(i);
    ASSERT_EQ(decide({{name.c_str(), i, ++at}}), "+");
    if (i % 100 == 99) flush(), seen_->forget({{1, at}}), tidy();
    most = std::max(most, seen_->stats().ids);
  }
  // A hundred are remembered; a full table waits to be a run.
  EXPECT_LT(most, 600u);
}

TEST_F(SeenIds, KeepIdsThatMayBeReplayed) {
  sequence at = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "id" + std::to_string(i);
    ASSERT_EQ(decide({{name.c_str(), 10 * i, ++at}}), "+");
    if (i % 100 == 99) flush(), seen_->forget({{1, 500}}), tidy();
  }
  EXPECT_GE(seen_->stats().ids, 1500u);
  open();
  for (sequence back = 501; back <= 2000; ++back) {
    const std::string name = "id" + std::to_string(back - 1);
    ASSERT_EQ(decide({{name.c_str(), 10 * static_cast<std::int64_t>(back - 1), back}}), "+");
  }
}

TEST_F(SeenIds, WriteNothingWhenTheyOnlyLook) {
  EXPECT_EQ(decide({{"x", 1000, 1}}), "+");
  flush();
  seen_.reset();
  const std::string before = testing::slurp(folder_ / "data.mdb");
  options_.read_only = true;
  open();
  sequence at = 1;
  EXPECT_EQ(decide({{"x", 1000, ++at}}), "=");
  for (int i = 0; i < 500; ++i) {
    const std::string name = "id" + std::to_string(i);
    EXPECT_EQ(decide({{name.c_str(), 1000, ++at}, {name.c_str(), 1000, ++at}}), "+=");
  }
  flush();
  seen_.reset();
  EXPECT_EQ(testing::slurp(folder_ / "data.mdb"), before);
}

TEST_F(SeenIds, WriteRunsOnAThreadOfTheirOwn) {
  options_.thread = true;
  open();
  sequence at = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string name = "id" + std::to_string(i % 2000);
    ASSERT_EQ(decide({{name.c_str(), 1000, ++at}}), i < 2000 ? "+" : "=");
  }
  flush();
  open();
  EXPECT_EQ(decide({{"id0", 1000, 1}, {"id0", 1000, at + 1}}), "+=");
}

TEST_F(SeenIds, AreOfOneFolder) {
  seen_.reset();
  options_.identity.folder[0] = 1;
  EXPECT_EQ(dedup_index::open(options_).error().code, errc::corrupt);
}

// Every place is tried where a stored id's bytes are: no answer may be a wrong one.
TEST_F(SeenIds, ReportAFlippedBit) {
  for (int i = 0; i < 120; ++i) {
    const std::string name = "id" + std::to_string(i);
    ASSERT_EQ(decide({{name.c_str(), 1000, static_cast<sequence>(i + 1)}}), "+");
  }
  flush();
  ASSERT_GT(seen_->stats().runs, 0u);
  seen_.reset();
  const std::string whole = testing::slurp(folder_ / "data.mdb");
  std::string time(8, '\0');  // of every id: 1000, little-endian
  time[0] = static_cast<char>(1000 & 255), time[1] = static_cast<char>(1000 >> 8);
  int places = 0, reported = 0;
  for (std::size_t at = whole.find(time); at != std::string::npos; at = whole.find(time, at + 1)) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    testing::spill(folder_ / "data.mdb", damaged);
    ++places;
    auto opened = dedup_index::open(options_);
    if (!opened) {
      EXPECT_EQ(opened.error().code, errc::corrupt);
      ++reported;
      continue;
    }
    seen_ = std::move(*opened);
    const auto verified = seen_->verify();
    if (!verified) {
      EXPECT_EQ(verified.error().code, errc::corrupt);
      ++reported;
    }
    for (int i = 0; i < 120; ++i) {
      const std::string name = "id" + std::to_string(i);
      const std::string verdict = decide({{name.c_str(), 1000, 1000}});
      if (verdict == "=") continue;
      EXPECT_NE(verdict.find("is damaged"), std::string::npos) << verdict;
    }
    seen_.reset();
  }
  // Pages that were freed keep old bytes, which nothing reads.
  EXPECT_GT(places, 100);
  EXPECT_GE(reported, 100);
}

}  // namespace
}  // namespace windrow::storage
