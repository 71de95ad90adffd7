#include "tests/storage/journal_at.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace windrow::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::in_child;
using ::testing::IsEmpty;
using testing::journal_at;
using testing::letter;
using testing::limit_file_size;
using testing::slurp;
using testing::spill;
using testing::why;

std::vector<push> pushes(int count, const std::string& tag = "p") {
  std::vector<push> all;
  for (int i = 0; i < count; ++i)
    all.push_back({"clicks", 1000 + i, "{\"" + tag + "\":" + std::to_string(i) + "}\n"});
  return all;
}

/// Appends one after the other; the entry of the first.
sequence append_all(journal_at& log, const std::vector<push>& all) {
  const sequence first = log->entries().last() + 1;
  for (const push& one : all) {
    const auto appended = log->pushes().append(one);
    EXPECT_TRUE(appended) << why(appended);
  }
  return first;
}

/// Appends many, from threads that share commits.
void append_many(journal_at& log, int count) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 50; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < count / 50; ++k)
        ASSERT_TRUE(log->pushes().append({"clicks", 1000, "x\n"}));
    });
  for (auto& one : threads) one.join();
}

TEST(JournalPartitions, AreKnownByTheHashOfTheirNames) {
  journal_at log;
  const auto first =
      log->partitions().register_partition(partition_kind::file, "file:/a", "fingerprint");
  EXPECT_EQ(*first, (partition{partition_id_of("file:/a"), partition_kind::file, "file:/a",
                               "fingerprint"}));
  const auto second =
      log->partitions().register_partition(partition_kind::standard_input, "stdin:1", "");
  log.reopen();
  EXPECT_EQ(*log->partitions().register_partition(partition_kind::file, "file:/a", "other"),
            *first);
  const auto third = log->partitions().register_partition(partition_kind::file, "file:/b", "");
  EXPECT_THAT(log->partitions().all(), ElementsAre(*first, *second, *third));
  EXPECT_EQ(log->partitions().find(third->id), *third);
  EXPECT_EQ(log->partitions().find(partition_kind::file, "file:/c"), std::nullopt);
  // Another folder gives the same names the same ids, whatever came before them there.
  journal_at other;
  EXPECT_EQ(other->partitions().register_partition(partition_kind::file, "file:/b", "")->id,
            third->id);
}

// Ids are part of what is stored: this one must stay as it is.
TEST(JournalPartitions, HaveTheSameIdsForEver) {
  EXPECT_EQ(hex_of(partition_id_of("kafka:tx/events/2#0")), "b07258f12a7746b8");
}

TEST(JournalPartitions, TwoNamesWithOneHashAreRefused) {
  journal_at log;
  log.options().id_of_name = [](std::string_view name) noexcept {
    return partition_id{name.size()};
  };
  log.reopen();
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "file:/a", "state"));
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "file:/long", ""));
  for (int i = 0; i < 2; ++i) {
    const auto refused = log->partitions().register_partition(partition_kind::file, "file:/b", "");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("'file:/b'"));
    EXPECT_THAT(refused.error().message, HasSubstr("'file:/a'"));
    // A name is of one kind.
    EXPECT_EQ(
        log->partitions().register_partition(partition_kind::kafka, "file:/a", "").error().code,
        errc::conflict);
    EXPECT_EQ(log->partitions().find(partition_kind::file, "file:/b"), std::nullopt);
    EXPECT_EQ(log->partitions().register_partition(partition_kind::file, "file:/a", "")->state,
              "state");
    EXPECT_EQ(log->partitions().all().size(), 2u);
    log.reopen();
  }
}

TEST(JournalPartitions, KeepTheirState) {
  journal_at log;
  const std::string state("\0\1\2", 3);
  const std::string name(4096, 'n');
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, name, "old"));
  ASSERT_TRUE(log->partitions().set_state(partition_id_of(name), state));
  log.reopen();
  EXPECT_EQ(log->partitions().all()[0].state, state);
  EXPECT_EQ(log->partitions().set_state(2, "x").error().code, errc::not_found);
  EXPECT_EQ(log->partitions().register_partition(partition_kind::file, "", "").error().code,
            errc::invalid);
}

const partition_id a = partition_id_of("a"), b = partition_id_of("b");

TEST(JournalArrivals, FindTheRangeThatCoversASequence) {
  journal_at log;
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "a", ""));
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "b", ""));
  ASSERT_TRUE(log->arrivals().note(a, {0, 100, 5}));
  ASSERT_TRUE(log->arrivals().note(a, {100, 250, 6}));
  ASSERT_TRUE(log->arrivals().note(b, {40, 50, 7}));
  log.reopen();
  EXPECT_EQ(*log->arrivals().find(a, 1), (arrival_range{0, 100, 5}));
  EXPECT_EQ(*log->arrivals().find(a, 100), (arrival_range{0, 100, 5}));
  EXPECT_EQ(*log->arrivals().find(a, 101), (arrival_range{100, 250, 6}));
  EXPECT_EQ(*log->arrivals().find(a, 251), std::nullopt);
  EXPECT_EQ(*log->arrivals().find(a, 0), std::nullopt);
  EXPECT_EQ(*log->arrivals().find(b, 40), std::nullopt);
  EXPECT_EQ(*log->arrivals().find(b, 50), (arrival_range{40, 50, 7}));
  EXPECT_THAT(*log->arrivals().between(a, 50, 101),
              ElementsAre(arrival_range{0, 100, 5}, arrival_range{100, 250, 6}));
}

TEST(JournalArrivals, AreNotedOnce) {
  journal_at log;
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "a", ""));
  ASSERT_TRUE(log->arrivals().note(a, {10, 20, 5}));
  EXPECT_TRUE(log->arrivals().note(a, {10, 20, 5}));
  for (const arrival_range& other :
       {arrival_range{10, 20, 6}, arrival_range{15, 30, 5}, arrival_range{0, 11, 5},
        arrival_range{12, 13, 5}, arrival_range{0, 40, 5}, arrival_range{7, 7, 5}})
    EXPECT_EQ(log->arrivals().note(a, other).error().code, errc::invalid);
  EXPECT_EQ(log->arrivals().note(9, {0, 1, 5}).error().code, errc::not_found);
}

TEST(JournalSkips, AreReplacedAsAWhole) {
  journal_at log;
  EXPECT_EQ(log->skips().set(a, {{1, 2}}).error().code, errc::not_found);
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "a", ""));
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "b", ""));
  EXPECT_THAT(*log->skips().of(a), IsEmpty());
  ASSERT_TRUE(log->skips().set(a, {{100, 200}, {300, 400}}));
  ASSERT_TRUE(log->skips().set(b, {{5, 6}}));
  log.reopen();
  EXPECT_THAT(*log->skips().of(a), ElementsAre(skip_range{100, 200}, skip_range{300, 400}));
  ASSERT_TRUE(log->skips().set(a, {{300, 350}}));
  EXPECT_THAT(*log->skips().of(a), ElementsAre(skip_range{300, 350}));
  ASSERT_TRUE(log->skips().set(a, {}));
  EXPECT_THAT(*log->skips().of(a), IsEmpty());
  EXPECT_THAT(*log->skips().of(b), ElementsAre(skip_range{5, 6}));
}

TEST(JournalSkips, AreForgottenOnceEveryShardIsBehindThem) {
  journal_at log;
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "a", ""));
  ASSERT_TRUE(log->skips().set(a, {{100, 200}, {300, 400}}));
  ASSERT_TRUE(log->skips().trim(a, 199));
  EXPECT_EQ(log->skips().of(a)->size(), 2u);
  ASSERT_TRUE(log->skips().trim(a, 200));
  EXPECT_THAT(*log->skips().of(a), ElementsAre(skip_range{300, 400}));
  ASSERT_TRUE(log->skips().trim(a, 1000));
  log.reopen();
  EXPECT_THAT(*log->skips().of(a), IsEmpty());
}

TEST(JournalArrivals, TrimOnlyWholeRangesOfOnePartition) {
  journal_at log;
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "a", ""));
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "b", ""));
  ASSERT_TRUE(log->arrivals().note(a, {0, 10, 1}));
  ASSERT_TRUE(log->arrivals().note(a, {10, 20, 2}));
  ASSERT_TRUE(log->arrivals().note(b, {0, 10, 3}));
  ASSERT_TRUE(log->arrivals().trim(a, 19));
  log.reopen();
  EXPECT_THAT(*log->arrivals().between(a, 0, 100), ElementsAre(arrival_range{10, 20, 2}));
  EXPECT_THAT(*log->arrivals().between(b, 0, 100), ElementsAre(arrival_range{0, 10, 3}));
}

TEST(JournalDeadLetters, AreStoredWhole) {
  journal_at log;
  ASSERT_TRUE(log->dead_letters().stage(letter(5)));
  EXPECT_THAT(*log->dead_letters().list({}), IsEmpty());
  ASSERT_TRUE(log->dead_letters().flush());
  log.reopen();
  EXPECT_THAT(*log->dead_letters().list({}), ElementsAre(letter(5)));
}

TEST(JournalDeadLetters, AReplayWritesAndCountsEachOnce) {
  journal_at log;
  for (int run = 0; run < 3; ++run) {
    for (const sequence at : {3, 1, 2, 2}) ASSERT_TRUE(log->dead_letters().stage(letter(at)));
    auto other = letter(2);
    other.stream = "views";
    ASSERT_TRUE(log->dead_letters().stage(other));
    ASSERT_TRUE(log->dead_letters().flush());
    log.reopen();
  }
  EXPECT_EQ(log->dead_letters().list({})->size(), 4);
  EXPECT_THAT(log->dead_letters().counts(),
              ElementsAre(dead_letter_count{1, "parse", "bad_json", 4}));
}

TEST(JournalDeadLetters, AreCountedByPartitionPhaseAndReason) {
  journal_at log;
  ASSERT_TRUE(log->dead_letters().stage(letter(1)));
  ASSERT_TRUE(log->dead_letters().stage(letter(2, "missing_key")));
  ASSERT_TRUE(log->dead_letters().stage(letter(2, "bad_json", 2)));
  ASSERT_TRUE(log->dead_letters().stage(letter(3, "bad_json", 2)));
  ASSERT_TRUE(log->dead_letters().flush());
  log.reopen();
  EXPECT_THAT(log->dead_letters().counts(),
              ElementsAre(dead_letter_count{1, "parse", "bad_json", 1},
                          dead_letter_count{1, "parse", "missing_key", 1},
                          dead_letter_count{2, "parse", "bad_json", 2}));
}

TEST(JournalDeadLetters, AreListedByFilter) {
  journal_at log;
  for (sequence at = 1; at <= 10; ++at)
    ASSERT_TRUE(log->dead_letters().stage(letter(at, at % 2 ? "odd" : "even", at <= 5 ? 1 : 2)));
  ASSERT_TRUE(log->dead_letters().flush());
  EXPECT_EQ(log->dead_letters().list({{}, "odd", {}, 1000})->size(), 5);
  EXPECT_THAT(*log->dead_letters().list({{2}, "odd", {}, 1}), ElementsAre(letter(7, "odd", 2)));
  EXPECT_THAT(*log->dead_letters().list({{2}, {}, 8, 1000}), ElementsAre(letter(8, "even", 2)));
  EXPECT_THAT(*log->dead_letters().list({{}, {}, 8, 1000}), ElementsAre(letter(8, "even", 2)));
  EXPECT_THAT(*log->dead_letters().list({{1}, {}, 8, 1000}), IsEmpty());
  EXPECT_EQ(log->dead_letters().list({{2}, {}, {}, 1000})->size(), 5);
}

// What is listed by a filter is what a drop by the same filter takes.
TEST(JournalDeadLetters, AreChosenTheSameForListingAndDropping) {
  const auto first = letter(1).arrival;
  auto other = letter(4, "odd");
  other.phase = "odd";
  other.stream = "views";
  const std::vector<std::pair<dead_letter_filter, std::vector<sequence>>> cases = {
      {{}, {1, 2, 3, 4, 4}},
      {{.streams = {"views"}}, {4}},
      {{.phase = "odd"}, {4}},
      {{.reason = "odd", .phase = "parse"}, {1, 3}},
      {{.reason = "odd"}, {1, 3, 4}},
      {{.reason = "odd: odd"}, {4}},
      {{.after = 1, .through = 3}, {2, 3}},
      {{.at = 2, .after = 2}, {}},
      {{.at = 2, .through = 2}, {2}},
      {{.after = ~sequence{0}}, {}},
      {{.since = first + 1, .before = first + 3}, {2, 3}},
      {{.limit = 2}, {1, 2}},
      {{.limit = 0}, {}},
      {{.partitions = {2}}, {}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    journal_at log;
    for (sequence at = 1; at <= 4; ++at)
      ASSERT_TRUE(log->dead_letters().stage(letter(at, at % 2 ? "odd" : "even")));
    ASSERT_TRUE(log->dead_letters().stage(other));
    ASSERT_TRUE(log->dead_letters().flush());
    const auto listed = log->dead_letters().list(cases[i].first);
    ASSERT_TRUE(listed) << why(listed);
    std::vector<sequence> places;
    for (const dead_letter& one : *listed) places.push_back(one.at);
    EXPECT_EQ(places, cases[i].second);
    EXPECT_EQ(*log->removal().drop(cases[i].first), places.size());
    EXPECT_EQ(log->dead_letters().list({})->size(), 5 - places.size());
  }
}

TEST(JournalDeadLetters, FlushThemselvesWhenManyWait) {
  journal_at log;
  for (sequence at = 1; at <= 5; ++at) {
    auto large = letter(at);
    large.bytes.assign(1 << 20, 'x');
    ASSERT_TRUE(log->dead_letters().stage(large));
  }
  log.reopen();
  EXPECT_EQ(log->dead_letters().list({})->size(), 4);
}

TEST(JournalDeadLetters, LetTheOldestGoAndKeepTheirCount) {
  journal_at log;
  log.options().dead_letter_bytes = 20'000;
  log.reopen();
  for (int replay = 0; replay < 2; ++replay) {
    for (sequence at = 1; at <= 100; ++at) {
      auto large = letter(at, "bad_json", 1 + at % 2);
      large.bytes.assign(500, 'x');
      ASSERT_TRUE(log->dead_letters().stage(large));
      if (at % 7 == 0) {
        ASSERT_TRUE(log->dead_letters().flush());
      }
    }
    ASSERT_TRUE(log->dead_letters().flush());
    log.reopen();
    std::uint64_t kept = 0, kept_bytes = 0, dropped = 0;
    for (const auto& totals : log->dead_letters().summary()) {
      kept += totals.kept;
      kept_bytes += totals.kept_bytes;
      dropped += totals.dropped;
    }
    EXPECT_LE(kept_bytes, 20'000);
    EXPECT_GT(kept, 20);
    EXPECT_EQ(kept + dropped, 100);
    const auto dead_letters = log->dead_letters().list({});
    ASSERT_TRUE(dead_letters) << why(dead_letters);
    EXPECT_EQ(dead_letters->size(), kept);
    for (const auto& one : *dead_letters) EXPECT_GT(one.at, dropped - 2);
    EXPECT_THAT(log->dead_letters().counts(),
                ElementsAre(dead_letter_count{1, "parse", "bad_json", 50},
                            dead_letter_count{2, "parse", "bad_json", 50}));
  }
}

TEST(JournalDeadLetters, RefuseMoreWhileTheDiskIsFull) {
  journal_at log;
  log.close();
  const int code = in_child([&] {
    limit_file_size(1 << 20);
    auto opened = journal::open(log.options());
    if (!opened) return 1;
    int failed = 0;
    for (sequence at = 1; at <= 100; ++at) {
      auto large = letter(at);
      large.bytes.assign(1 << 20, 'x');
      auto staged = (*opened)->dead_letters().stage(large);
      if (!staged && staged.error().code != errc::io) return 2;
      failed += staged ? 0 : 1;
    }
    return failed == 97 && (*opened)->dead_letters().counts().empty() ? 0 : 3;
  });
  EXPECT_EQ(code, 0);
  log.reopen();
  EXPECT_THAT(*log->dead_letters().list({}), IsEmpty());
}

TEST(JournalEntries, AreReadBackInOrder) {
  journal_at log;
  EXPECT_EQ(log->entries().last(), 0);
  EXPECT_THAT(*log->entries().read(1, 1000), IsEmpty());
  EXPECT_EQ(append_all(log, pushes(3, "a")), 1);
  EXPECT_EQ(append_all(log, pushes(2, "b")), 4);
  log.reopen();
  EXPECT_EQ(log->entries().last(), 5);
  const auto entries = log->entries().read(3, 1 << 20);
  ASSERT_TRUE(entries) << why(entries);
  EXPECT_THAT(*entries,
              ElementsAre(journal_entry{3, pushes(3, "a")[2]}, journal_entry{4, pushes(2, "b")[0]},
                          journal_entry{5, pushes(2, "b")[1]}));
  EXPECT_THAT(*log->entries().read(6, 1000), IsEmpty());
}

TEST(JournalEntries, AreReadInPiecesOfABoundedSize) {
  journal_at log;
  std::vector<push> large(3, {"clicks", 1, std::string(2 << 20, 'x')});
  large[1].payload.assign(10, 'y');
  append_all(log, large);
  EXPECT_EQ(log->entries().read(1, 1000)->size(), 1);
  EXPECT_EQ(log->entries().read(1, 1000)->front().what, large[0]);
  EXPECT_EQ(log->entries().read(2, 1000)->size(), 1);
  EXPECT_EQ(log->entries().read(1, 3 << 20)->size(), 2);
  EXPECT_EQ(log->entries().read(1, 5 << 20)->size(), 3);
}

TEST(JournalEntries, KeepTheirNumbersWhenTrimmed) {
  journal_at log;
  append_many(log, 3000);
  ASSERT_TRUE(log->pushes().trim(2500));
  log.reopen();
  EXPECT_EQ(log->entries().trimmed(), 2500);
  EXPECT_EQ(log->entries().last(), 3000);
  EXPECT_EQ(log->entries().read(2501, 1)->front().at, 2501);
  const auto gone = log->entries().read(2500, 1);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, errc::corrupt);
  EXPECT_THAT(gone.error().message, HasSubstr("do not belong together"));
  ASSERT_TRUE(log->pushes().trim(9999));
  log.reopen();
  EXPECT_EQ(log->entries().last(), 3000);
  EXPECT_EQ(append_all(log, pushes(1)), 3001);
  log.reopen();
  EXPECT_EQ(log->entries().read(3001, 1)->front().at, 3001);
}

TEST(JournalEntries, AreTrimmedWhileOthersAreAppended) {
  journal_at log;
  append_many(log, 2000);
  std::thread trimming([&] { ASSERT_TRUE(log->pushes().trim(2000)); });
  append_many(log, 1000);
  trimming.join();
  EXPECT_EQ(log->entries().trimmed(), 2000);
  EXPECT_EQ(log->entries().last(), 3000);
  log.reopen();
  EXPECT_EQ(log->entries().trimmed(), 2000);
  const auto left = log->entries().read(2001, 1 << 20);
  ASSERT_TRUE(left) << why(left);
  EXPECT_EQ(left->size(), 1000);
  EXPECT_TRUE(log->verify());
}

TEST(JournalEntries, AreTrimmedInFewCommits) {
  journal_at log;
  append_many(log, 1000);
  const auto before = log->stats()->transaction;
  ASSERT_TRUE(log->pushes().trim(1000));
  EXPECT_LE(log->stats()->transaction, before + 8);
}

TEST(JournalEntries, AreAppendedAllOrNone) {
  journal_at log;
  log.options().map_bytes = 1 << 20;
  log.reopen();
  append_all(log, pushes(2));
  push too_much = pushes(1)[0];
  too_much.payload.assign(2 << 20, 'x');
  const auto appended = log->pushes().append(too_much);
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, errc::io);
  EXPECT_EQ(log->entries().last(), 2);
  EXPECT_EQ(log->entries().read(1, 1 << 20)->size(), 2);
  EXPECT_EQ(append_all(log, pushes(1)), 3);
  log.options().map_bytes = 64 << 20;
  log.reopen();
  EXPECT_EQ(log->entries().read(1, 1 << 20)->size(), 3);
  EXPECT_EQ(log->pushes().append(too_much)->entry, 4);
}

TEST(JournalCounters, AreKept) {
  journal_at log;
  const std::pair<std::string, std::uint64_t> values[] = {{"read", 5}, {"applied", 4}};
  ASSERT_TRUE(log->counters().set(values));
  log.reopen();
  EXPECT_EQ(*log->counters().all(),
            (std::map<std::string, std::uint64_t>{{"applied", 4}, {"read", 5}}));
}

const partition_id named = partition_id_of("PARTITION-NAME");

/// Fills every table with values that the raw file can be searched for.
void fill(journal_at& log) {
  ASSERT_TRUE(log->partitions().register_partition(partition_kind::file, "PARTITION-NAME",
                                                   "PARTITION-STATE"));
  ASSERT_TRUE(log->arrivals().note(named, {0, 77, 0x4142434445464748}));
  append_all(log, {{"clicks", 1, "ENTRY-PAYLOAD", push_producer{"PRODUCER", 1, {{7, 13}}}}});
  auto one = letter(5, "REASON-CODE");
  one.message = "LETTER-MESSAGE";
  ASSERT_TRUE(log->dead_letters().stage(one));
  ASSERT_TRUE(log->dead_letters().stage(letter(6, "DROPPED")));
  EXPECT_EQ(*log->removal().drop({{}, "DROPPED"}), 1);
  const std::pair<std::string, std::uint64_t> counter{"read", 0x5152535455565758};
  ASSERT_TRUE(log->counters().set({&counter, 1}));
}

/// Everything that a caller can read, for its first failure.
result<void> read_everything(const journal::options& o) {
  auto log = journal::open(o);
  if (!log) return log.error();
  if (auto verified = (*log)->verify(); !verified) return verified.error();
  return {};
}

TEST(Journal, VerifiesWhatItWrote) {
  journal_at log;
  fill(log);
  // Identity, partition, arrival, letter, its count and total, a removed one, its count, entry,
  // producer, counter.
  const auto verified = log->verify();
  ASSERT_TRUE(verified) << why(verified);
  EXPECT_EQ(*verified, 11);
}

TEST(Journal, NoticesAFlippedBitInAnyValue) {
  journal_at log;
  fill(log);
  log.close();
  const std::string good = slurp(log.data_file());
  ASSERT_TRUE(read_everything(log.options()));
  for (const char* text : {"PRODUCER", "PARTITION-NAME", "PARTITION-STATE", "HGFEDCBA",
                           "ENTRY-PAYLOAD", "REASON-CODE", "LETTER-MESSAGE", "XWVUTSRQ"}) {
    // Old copies of the page may be about: damage them all.
    std::string bad = good;
    int found = 0;
    for (std::size_t at = bad.find(text); at != std::string::npos; at = bad.find(text, at + 1)) {
      bad[at + 3] = static_cast<char>(bad[at + 3] ^ 4);
      ++found;
    }
    ASSERT_GT(found, 0) << text;
    spill(log.data_file(), bad);
    const auto read = read_everything(log.options());
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, errc::corrupt) << text;
    EXPECT_THAT(read.error().message, HasSubstr(log.data_file()));
  }
}

// Rows are found by their keys: one with a damaged key would not be missed.
TEST(Journal, IsNotOpenedWithADamagedKey) {
  journal_at log;
  fill(log);
  append_all(log, pushes(1));
  ASSERT_TRUE(log->pushes().trim(log->entries().last()));
  ASSERT_TRUE(log->skips().set(named, {{0x4142434445464748, 0x5152535455565758}}));
  log.close();
  const std::string good = slurp(log.data_file());
  ASSERT_TRUE(journal::open(log.options()));
  const std::string skip = "HGFEDCBAXWVUTSRQ";  // its key stands before it
  for (const auto& [text, back] : std::vector<std::pair<std::string, int>>{
           {"PRODUCER", 0}, {"trimmed", 0}, {"read", 0}, {skip, 1}}) {
    std::string bad = good;
    for (std::size_t at = bad.find(text); at != std::string::npos; at = bad.find(text, at + 1))
      bad[at - static_cast<std::size_t>(back)] ^= 2;
    ASSERT_NE(bad, good) << text;
    spill(log.data_file(), bad);
    const auto opened = journal::open(log.options());
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error().code, errc::corrupt) << text;
  }
}

TEST(Journal, NeverGivesADamagedEntry) {
  journal_at log;
  append_all(log, {{"clicks", 1, "ENTRY-PAYLOAD"}, {"clicks", 2, "next"}});
  log.close();
  std::string bad = slurp(log.data_file());
  // Also in an old copy of the page.
  for (std::size_t at = 0; (at = bad.find("ENTRY-PAYLOAD", at)) != std::string::npos; ++at)
    bad[at] ^= 1;
  spill(log.data_file(), bad);
  log.reopen();
  const auto read = log->entries().read(1, 1000);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::corrupt);
  EXPECT_THAT(read.error().message, HasSubstr("table `entries` is damaged"));
  EXPECT_EQ(log->entries().read(2, 1000)->size(), 1);
}

TEST(Journal, RefusesAnotherFoldersJournal) {
  journal_at log;
  log.close();
  auto other = log.options();
  other.identity.folder.fill(9);
  const auto opened = journal::open(other);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("should be the journal of data folder 0909"));
}

}  // namespace
}  // namespace windrow::storage
