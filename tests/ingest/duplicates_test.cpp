// Deduplication in ingest: which messages claim an id, and what becomes of the rows.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ingest/ingest_core.hpp"
#include "tests/storage/temporary_folder.hpp"
#include "tests/support/plan_builder.hpp"

namespace windrow::ingest {
namespace {

using schema::value_kind;
using storage::testing::temporary_folder;
using test::type_of;

constexpr std::int64_t now = 1'700'000'000'000'000;

class IngestDuplicates : public ::testing::Test {
protected:
  IngestDuplicates() {
    test::plan_builder builder;
    builder.key_space({type_of(value_kind::text)});
    builder.stream("events",
                   {{"id", type_of(value_kind::text, true)},
                    {"user", type_of(value_kind::text, true)},
                    {"amount", type_of(value_kind::integer, true)},
                    {"ts", type_of(value_kind::datetime)}},
                   {"_.user", "_.amount", "_.ts", "_.id"});
    auto& stream = builder.plan().streams[0];
    stream.time_output = 2;
    stream.parse_output = 1;
    stream.required.push_back({0, "Event.user"});
    stream.deduplication = {3, 60'000'000};
    builder.route(0, 0, {0}, {1});
    plan_ = builder.build();
    options_.directory = folder_.path();
    options_.map_bytes = std::uint64_t{1} << 30;
    options_.streams = {{"events", 60'000'000}};
    options_.thread = false;
    EXPECT_TRUE(storage::dedup_index::create(options_).ok());
    restart();
  }

  /// What was flushed is what is left.
  void restart() {
    core_.reset();
    seen_.reset();
    auto opened = storage::dedup_index::open(options_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    seen_ = std::move(*opened);
    ingest::ingest_options o;
    o.plan = plan_;
    o.source = 0;
    o.partition = 5;
    o.folder_seed = 99;
    o.batch_rows = 4;  // blocks of two messages
    o.seen = seen_.get();
    core_ = std::make_unique<ingest::ingest_core>(o);
  }

  /// The sequences of the rows that were made, in order.
  std::vector<std::uint64_t> take(const std::vector<std::string>& texts,
                                  storage::sequence after = 0) {
    std::vector<std::pair<storage::sequence, std::string_view>> messages;
    for (const auto& text : texts) messages.emplace_back(after + messages.size() + 1, text);
    ingest::ingest_output out;
    core_->take(*formats::make_run(5, after, after + texts.size(), timestamp{now}, messages), out);
    EXPECT_FALSE(out.failed) << out.failed->message;
    std::vector<std::uint64_t> rows;
    for (const auto& [shard, batch] : out.batches)
      for (const std::uint32_t at : batch->sections[0].sequences) rows.push_back(batch->first + at);
    return rows;
  }

  static std::string event(const std::string& id, const std::string& user = "\"u\"",
                           const std::string& amount = "1", std::int64_t micros = now) {
    return R"({"id":)" + id + R"(,"user":)" + user + R"(,"amount":)" + amount + R"(,"ts":)" +
           std::to_string(micros / 1000) + "}";
  }

  using rows = std::vector<std::uint64_t>;

  temporary_folder folder_;
  storage::dedup_index::options options_;
  std::unique_ptr<storage::dedup_index> seen_;
  schema::plan_ptr plan_;
  std::unique_ptr<ingest::ingest_core> core_;
};

TEST_F(IngestDuplicates, GiveNoRowsAndAreCounted) {
  EXPECT_EQ(take({event("\"x\""), event("\"y\""), event("\"x\""), event("\"z\""), event("\"y\"")}),
            (rows{1, 2, 4}));
  const auto& counted = core_->counters().streams[0];
  EXPECT_EQ(counted.applied, 3u);
  EXPECT_EQ(counted.duplicate, 2u);
  EXPECT_EQ(core_->counters().read, 5u);
}

TEST_F(IngestDuplicates, AreNotMessagesWithoutAnId) {
  EXPECT_EQ(take({event("null"), event("null"), event("\"\""), event("\"\""), event("null")}),
            (rows{1, 2, 3, 5}));
}

TEST_F(IngestDuplicates, AreNotOfMessagesThatWereSkippedOrDeadLettered) {
  EXPECT_EQ(take({event("\"x\"", "\"u\"", "null"), event("\"x\"", "null"),
                  event("\"x\"", "\"u\"", "1", now + 600'000'000), event("\"x\""), event("\"x\"")}),
            (rows{4}));
  const auto& counted = core_->counters().streams[0];
  EXPECT_EQ(counted.skipped, 1u);
  EXPECT_EQ(counted.dead_lettered, 2u);
  EXPECT_EQ(counted.duplicate, 1u);
}

TEST_F(IngestDuplicates, AreThePeriodApartAtMost) {
  EXPECT_EQ(take({event("\"x\"", "\"u\"", "1", now - 60'001'000), event("\"x\"")}), (rows{1, 2}));
  EXPECT_EQ(take({event("\"y\"", "\"u\"", "1", now - 60'000'000), event("\"y\"")}, 2), (rows{3}));
}

TEST_F(IngestDuplicates, AreTheSameWhenReadAgain) {
  const std::vector<std::string> texts = {event("\"x\""), event("\"x\""), event("\"y\""),
                                          event("\"x\""), event("\"z\"")};
  EXPECT_EQ(take(texts), (rows{1, 3, 5}));
  ASSERT_TRUE(seen_->flush().ok());
  restart();
  EXPECT_EQ(take(texts), (rows{1, 3, 5}));
  EXPECT_EQ(take({event("\"y\""), event("\"w\"")}, 5), (rows{7}));
}

TEST_F(IngestDuplicates, StopTheRunWhereIdsCannotBeRead) {
  for (int i = 0; i < 200; ++i) take({event("\"" + std::to_string(i) + "\"")}, 100 + i);
  ASSERT_TRUE(seen_->flush().ok());
  core_.reset();
  seen_.reset();
  options_.table_ids = 10;  // so that they become runs
  restart();
  take({event("\"a\"")}, 1000);
  ASSERT_TRUE(seen_->tidy().ok());
  ASSERT_TRUE(seen_->flush().ok());
  core_.reset();
  seen_.reset();
  // Every id's time is somewhere in the file, in live pages and in freed ones.
  std::string file = storage::testing::slurp(folder_ / "data.mdb");
  std::string time(8, '\0');
  for (int i = 0; i < 8; ++i) time[static_cast<std::size_t>(i)] = static_cast<char>(now >> (8 * i));
  for (auto at = file.find(time); at != std::string::npos; at = file.find(time, at + 8))
    file[at] = static_cast<char>(file[at] ^ 1);
  storage::testing::spill(folder_ / "data.mdb", file);
  auto opened = storage::dedup_index::open(options_);
  if (!opened) {
    EXPECT_EQ(opened.error().code, errc::corrupt);
    return;
  }
  seen_ = std::move(*opened);
  ingest::ingest_options o;
  o.plan = plan_;
  o.source = 0;
  o.partition = 5;
  o.folder_seed = 99;
  o.seen = seen_.get();
  ingest::ingest_core core(o);
  ingest::ingest_output out;
  const std::string text = event("\"7\"");
  const std::pair<storage::sequence, std::string_view> messages[] = {{2000, text}};
  core.take(*formats::make_run(5, 1999, 2000, timestamp{now}, messages), out);
  ASSERT_TRUE(out.failed);
  EXPECT_EQ(out.failed->code, errc::corrupt);
  EXPECT_TRUE(out.batches.empty());
}

}  // namespace
}  // namespace windrow::ingest
