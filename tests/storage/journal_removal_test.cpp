#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

#include "storage/journal/message_list.hpp"
#include "tests/storage/journal_at.hpp"

namespace windrow::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::journal_at;
using testing::letter;
using testing::why;

/// Letters of a source that is read from its beginning: staged, on disk.
void read_dead_letters(journal_at& log, sequence from, sequence to, partition_id partition = 1) {
  for (sequence at = from; at <= to; ++at)
    ASSERT_TRUE(log->dead_letters().stage(letter(at, at % 2 ? "odd" : "even", partition)));
  ASSERT_TRUE(log->dead_letters().flush());
}

std::vector<sequence> kept(journal_at& log) {
  std::vector<sequence> all;
  const auto dead_letters = log->dead_letters().list({});
  EXPECT_TRUE(dead_letters) << why(dead_letters);
  for (const dead_letter& one : *dead_letters) all.push_back(one.at);
  return all;
}

std::string listed(std::initializer_list<std::string_view> messages) {
  std::string payload;
  for (const std::string_view one : messages) append_message(payload, one);
  return payload;
}

std::optional<std::string> to_itself(const std::string& stream) { return "stream:" + stream; }

dead_letter_totals totals(journal_at& log, partition_id partition = 1) {
  for (const dead_letter_totals& one : log->dead_letters().summary())
    if (one.partition == partition) return one;
  return {};
}

TEST(JournalRemoval, DropsWhatPassesTheFilter) {
  journal_at log;
  read_dead_letters(log, 1, 6);
  read_dead_letters(log, 1, 2, 2);
  EXPECT_EQ(*log->removal().drop({{1}, "odd"}), 3);
  EXPECT_EQ(*log->removal().drop({{1}, "parse", 4}), 1);
  EXPECT_EQ(*log->removal().drop({{1}, "parse: odd"}), 0);
  EXPECT_EQ(*log->removal().drop({{}, {}, {}, 1000, {"views"}}), 0);
  log.reopen();
  EXPECT_THAT(kept(log), ElementsAre(2, 6, 1, 2));
  EXPECT_EQ(*log->removal().drop({{}, {}, {}, 1, {"clicks"}}), 1);
  EXPECT_THAT(kept(log), ElementsAre(6, 1, 2));
  EXPECT_EQ(totals(log).erased, 5);
  EXPECT_EQ(totals(log).kept, 1);
  EXPECT_THAT(log->dead_letters().counts(), ElementsAre(dead_letter_count{1, "parse", "even", 3},
                                                        dead_letter_count{1, "parse", "odd", 3},
                                                        dead_letter_count{2, "parse", "even", 1},
                                                        dead_letter_count{2, "parse", "odd", 1}));
}

TEST(JournalRemoval, TakesLettersThatWereOnlyStaged) {
  journal_at log;
  ASSERT_TRUE(log->dead_letters().stage(letter(1)));
  EXPECT_EQ(*log->removal().drop({}), 1);
  ASSERT_TRUE(log->dead_letters().flush());
  EXPECT_THAT(kept(log), IsEmpty());
}

TEST(JournalRemoval, ReplaysBytesAsEntriesOfTheirStreams) {
  journal_at log;
  read_dead_letters(log, 1, 3);
  auto other = letter(2);
  other.stream = "views";
  other.bytes = "{\n}";
  other.total_bytes = 3;
  ASSERT_TRUE(log->dead_letters().stage(other));
  EXPECT_EQ(*log->removal().replay({}, 77, to_itself), (replay_outcome{4, 0, 0}));
  log.reopen();
  EXPECT_THAT(kept(log), IsEmpty());
  EXPECT_EQ(totals(log).replayed, 4);
  EXPECT_EQ(totals(log).kept_bytes, 0);
  EXPECT_THAT(
      *log->entries().read(1, 1 << 20),
      ElementsAre(
          journal_entry{1, {"stream:clicks", 77, listed({"{oops 1", "{oops 2", "{oops 3"})}},
          journal_entry{2, {"stream:views", 77, listed({"{\n}"})}}));
  EXPECT_EQ(*log->removal().replay({}, 78, to_itself), (replay_outcome{0, 0, 0}));
  EXPECT_EQ(log->entries().last(), 2);
}

TEST(JournalRemoval, ReplaysWhatHadAnEnvelopeWithIt) {
  journal_at log;
  auto whole = letter(1);
  whole.bytes = "{\n}";
  whole.total_bytes = 3;
  whole.timed = true;
  whole.arrival = -5;
  whole.key = "";
  whole.headers = {{"h", "1"}, {"h", ""}};
  auto bare = letter(2);
  bare.timed = true;
  for (const dead_letter& one : {whole, bare, letter(3)}) {
    ASSERT_TRUE(log->dead_letters().stage(one));
  }
  ASSERT_TRUE(log->dead_letters().flush());
  log.reopen();
  EXPECT_THAT(*log->dead_letters().list({}), ElementsAre(whole, bare, letter(3)));
  EXPECT_EQ(*log->removal().replay({}, 77, to_itself), (replay_outcome{3, 0, 0}));
  log.reopen();
  const auto entries = log->entries().read(1, 1 << 20);
  ASSERT_TRUE(entries && entries->size() == 2) << why(entries);
  EXPECT_EQ(entries->back(), (journal_entry{2, {"stream:clicks", 77, listed({"{oops 3"})}}));
  const push& first = entries->front().what;
  EXPECT_EQ(first.stream, "stream:clicks");
  EXPECT_EQ(first.arrival, 77);
  const auto messages = read_messages(first.payload);
  ASSERT_TRUE(messages && messages->size() == 2);
  EXPECT_EQ((*messages)[0].bytes, "{\n}");
  EXPECT_EQ((*messages)[0].time, -5);
  EXPECT_EQ((*messages)[0].key, "");
  const std::vector<std::pair<std::string_view, std::string_view>> headers{{"h", "1"}, {"h", ""}};
  EXPECT_EQ((*messages)[0].headers, headers);
  EXPECT_EQ((*messages)[1].bytes, bare.bytes);
  EXPECT_EQ((*messages)[1].time, bare.arrival);
  EXPECT_EQ((*messages)[1].key, std::nullopt);
  EXPECT_THAT((*messages)[1].headers, IsEmpty());
  for (std::size_t cut = 1; cut < first.payload.size(); ++cut) {
    const auto part = read_messages(std::string_view(first.payload).substr(0, cut));
    EXPECT_TRUE(!part || part->size() == 1) << cut;
  }
}

TEST(JournalRemoval, KeepsTheMediaTypeOfWhatIsReplayed) {
  journal_at log;
  auto other = letter(2);
  other.media_type = "text/csv";
  for (const dead_letter& one : {letter(1), other, letter(3)})
    ASSERT_TRUE(log->dead_letters().stage(one));
  ASSERT_TRUE(log->dead_letters().flush());
  log.reopen();
  EXPECT_THAT(*log->dead_letters().list({}), ElementsAre(letter(1), other, letter(3)));
  EXPECT_EQ(log->removal().replay({}, 7, to_itself)->replayed, 3);
  log.reopen();
  const auto entries = log->entries().read(1, 1 << 20);
  ASSERT_TRUE(entries && entries->size() == 2) << why(entries);
  EXPECT_EQ((*entries)[0].what.media_type, default_media_type);
  EXPECT_EQ((*entries)[0].what.payload, listed({"{oops 1", "{oops 3"}));
  EXPECT_EQ((*entries)[1].what.media_type, "text/csv");
  EXPECT_EQ((*entries)[1].what.payload, listed({"{oops 2"}));
}

TEST(MessageList, KeepsAnyBytes) {
  std::string all(256, '\0');
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<char>(i);
  const std::string long_one(100'000, '\n');
  const std::string payload = listed({"", all, "a\nb", long_one});
  const auto messages = read_messages(payload);
  ASSERT_TRUE(messages);
  std::vector<std::string_view> bytes;
  for (const listed_message& m : *messages) bytes.push_back(m.bytes);
  EXPECT_THAT(bytes, ElementsAre("", all, "a\nb", long_one));
  EXPECT_FALSE(read_messages(std::string(1, '\x08')));
  EXPECT_THAT(*read_messages(""), IsEmpty());
}

TEST(JournalRemoval, LeavesWhatCannotBeReplayed) {
  journal_at log;
  auto cut = letter(1);
  cut.total_bytes = 100'000;
  ASSERT_TRUE(log->dead_letters().stage(cut));
  auto unknown = letter(2);
  unknown.stream = "gone";
  ASSERT_TRUE(log->dead_letters().stage(unknown));
  ASSERT_TRUE(log->dead_letters().stage(letter(3)));
  const auto only_clicks = [](const std::string& stream) -> std::optional<std::string> {
    if (stream == "clicks") return stream;
    return std::nullopt;
  };
  EXPECT_EQ(*log->removal().replay({}, 1, only_clicks), (replay_outcome{1, 1, 1}));
  EXPECT_THAT(kept(log), ElementsAre(1, 2));
}

TEST(JournalRemoval, WhatIsReadAgainDoesNotComeBack) {
  journal_at log;
  read_dead_letters(log, 1, 10);
  EXPECT_EQ(log->removal().replay({{}, "odd"}, 1, to_itself)->replayed, 5);
  EXPECT_EQ(*log->removal().drop({{}, {}, 4}), 1);
  // The source crashed before any position above them was durable.
  for (int crash = 0; crash < 3; ++crash) {
    log.reopen();
    read_dead_letters(log, 1, 12);
    EXPECT_THAT(kept(log), ElementsAre(2, 6, 8, 10, 11, 12));
    EXPECT_EQ(totals(log).kept, 6);
  }
  EXPECT_THAT(log->dead_letters().counts(), ElementsAre(dead_letter_count{1, "parse", "even", 6},
                                                        dead_letter_count{1, "parse", "odd", 6}));
}

TEST(JournalRemoval, OtherStreamsOfTheSameMessageStay) {
  journal_at log;
  auto other = letter(5);
  other.stream = "views";
  for (int crash = 0; crash < 2; ++crash) {
    ASSERT_TRUE(log->dead_letters().stage(letter(5)));
    ASSERT_TRUE(log->dead_letters().stage(other));
    EXPECT_EQ(log->removal().replay({{}, {}, {}, 1000, {"clicks"}}, 1, to_itself)->replayed,
              crash == 0 ? 1 : 0);
    log.reopen();
  }
  EXPECT_THAT(*log->dead_letters().list({}), ElementsAre(other));
}

TEST(JournalRemoval, ForgetsWhatNoSourceCanBringAgain) {
  journal_at log;
  read_dead_letters(log, 1, 10);
  read_dead_letters(log, 1, 10, 2);
  const auto before = log->verify();
  EXPECT_EQ(*log->removal().drop({{}, "odd"}), 10);
  ASSERT_TRUE(log->removal().forget_removed(1, 6));
  EXPECT_EQ(*log->verify(), *before - 10 + 10 - 3);
  log.reopen();
  // Resumes behind 6; also a source that is read from its beginning once more brings nothing back.
  read_dead_letters(log, 1, 10);
  read_dead_letters(log, 1, 10, 2);
  EXPECT_THAT(kept(log), ElementsAre(2, 4, 6, 8, 10, 2, 4, 6, 8, 10));
  ASSERT_TRUE(log->removal().forget_removed(1, 100));
  ASSERT_TRUE(log->removal().forget_removed(2, 100));
  EXPECT_EQ(*log->verify(), *before - 10);
  read_dead_letters(log, 1, 11);
  EXPECT_THAT(kept(log), ElementsAre(2, 4, 6, 8, 10, 2, 4, 6, 8, 10));
  read_dead_letters(log, 101, 101);
  EXPECT_THAT(kept(log), ElementsAre(2, 4, 6, 8, 10, 101, 2, 4, 6, 8, 10));
}

TEST(JournalRemoval, ForgetsManyInSteps) {
  journal_at log;
  read_dead_letters(log, 1, 10'000);
  EXPECT_EQ(log->removal().replay({{}, {}, {}, 20'000}, 1, to_itself)->replayed, 10'000);
  ASSERT_TRUE(log->removal().forget_removed(1, 10'000));
  log.reopen();
  read_dead_letters(log, 1, 10'000);
  EXPECT_THAT(kept(log), IsEmpty());
  std::size_t lines = 0;
  const auto entries = log->entries().read(1, 1 << 30);
  for (const journal_entry& one : *entries) lines += read_messages(one.what.payload)->size();
  EXPECT_EQ(lines, 10'000u);
}

TEST(JournalRemoval, RemembersNothingOfStandardInput) {
  journal_at log;
  const auto run = log->partitions().register_partition(partition_kind::standard_input, "run", "");
  read_dead_letters(log, 1, 5, run->id);
  const auto before = log->verify();
  EXPECT_EQ(*log->removal().drop({}), 5);
  EXPECT_EQ(*log->verify(), *before - 5);
}

// A source is read, crashes, and is read again from its durable position, while letters leave: each
// message ends up in one place exactly.
TEST(JournalRemoval, EachLetterEndsInOnePlace) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](sequence n) { return static_cast<sequence>(random() % n); };
    journal_at log;
    sequence durable = 0, read = 0, highest = 0;
    std::uint64_t dropped = 0;
    for (int step = 0; step < 60; ++step) {
      switch (below(6)) {
        case 0:
          log.reopen();
          read = durable;  // what was staged is lost, and comes again
          break;
        case 1:  // as a shard's commit: letters first, then the position
          ASSERT_TRUE(log->dead_letters().flush());
          durable = read;
          ASSERT_TRUE(log->removal().forget_removed(1, durable));
          break;
        case 2:
          ASSERT_TRUE(log->removal().replay({{}, below(2) ? "odd" : "even", {}, 1 + below(20)}, 1,
                                            to_itself));
          break;
        case 3:
          dropped += *log->removal().drop({{}, {}, 1 + below(read + 1)});
          break;
        default:
          for (sequence n = below(8); n > 0; --n, ++read)
            ASSERT_TRUE(log->dead_letters().stage(letter(read + 1, read % 2 ? "even" : "odd")));
      }
      highest = std::max(highest, read);
    }
    for (; read < highest; ++read)
      ASSERT_TRUE(log->dead_letters().stage(letter(read + 1, read % 2 ? "even" : "odd")));
    ASSERT_TRUE(log->dead_letters().flush());
    std::multiset<std::string> found;
    const auto dead_letters = log->dead_letters().list({});
    for (const dead_letter& one : *dead_letters) found.insert(one.bytes);
    const auto entries = log->entries().read(1, 1 << 30);
    for (const journal_entry& one : *entries) {
      const auto messages = read_messages(one.what.payload);
      ASSERT_TRUE(messages);
      for (const listed_message& m : *messages) found.emplace(m.bytes);
    }
    EXPECT_EQ(found.size() + dropped, read);
    for (sequence at = 1; at <= read; ++at)
      EXPECT_LE(found.count("{oops " + std::to_string(at)), 1u) << at;
  }
}

}  // namespace
}  // namespace windrow::storage
