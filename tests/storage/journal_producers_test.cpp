#include <gmock/gmock.h>

#include <map>
#include <random>
#include <thread>

#include "tests/storage/journal_at.hpp"

namespace windrow::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::in_child;
using testing::journal_at;
using testing::letter;
using testing::limit_file_size;
using testing::why;

/// One push that is one sequence.
push whole(const std::string& producer, sequence at, const std::string& text,
           const std::string& stream = "clicks") {
  const std::string payload = text + "\n";
  return {stream, 1000, payload,
          push_producer{producer, at, {{content_hash(stream, payload), payload.size()}}}};
}

/// A push of lines, each a sequence.
push lines(const std::string& producer, sequence first, const std::vector<std::string>& all) {
  push made{"clicks", 1000, "", push_producer{producer, first, {}}};
  for (const std::string& one : all) {
    made.payload += one + "\n";
    made.producer->units.push_back({content_hash("clicks", one), made.payload.size()});
  }
  return made;
}

std::string stored(journal_at& log) {
  std::string all;
  const auto entries = log->entries().read(log->entries().trimmed() + 1, 1 << 30);
  EXPECT_TRUE(entries) << why(entries);
  for (const journal_entry& one : *entries) all += one.what.payload;
  return all;
}

TEST(JournalProducers, AreTakenInOrderAndOnce) {
  journal_at log;
  EXPECT_EQ(*log->pushes().append(whole("p", 1, "a")), (push_outcome{1, 0}));
  EXPECT_EQ(*log->pushes().append(whole("p", 2, "b")), (push_outcome{2, 0}));
  EXPECT_EQ(*log->pushes().append(whole("p", 1, "a")), (push_outcome{1, 1}));
  EXPECT_EQ(*log->pushes().append(whole("p", 2, "b")), (push_outcome{2, 1}));
  EXPECT_EQ(*log->pushes().append(whole("p", 3, "c")), (push_outcome{3, 0}));
  EXPECT_EQ(stored(log), "a\nb\nc\n");
  EXPECT_EQ(*log->producers().last_sequence("p"), 3);
  EXPECT_EQ(*log->producers().last_sequence("q"), 0);
}

TEST(JournalProducers, AreRememberedAcrossARestartAndTrimming) {
  journal_at log;
  for (sequence at = 1; at <= 40; ++at) {
    ASSERT_TRUE(log->pushes().append(whole("p", at, std::to_string(at))));
    if (at % 7 == 0) log.reopen();
    if (at % 10 == 0) {
      ASSERT_TRUE(log->pushes().trim(at));
    }
  }
  ASSERT_TRUE(log->pushes().trim(40));
  log.reopen();
  EXPECT_EQ(*log->producers().last_sequence("p"), 40);
  EXPECT_EQ(*log->pushes().append(whole("p", 40, "40")), (push_outcome{40, 1}));
  EXPECT_EQ(*log->pushes().append(whole("p", 25, "25")), (push_outcome{25, 1}));
  EXPECT_EQ(*log->pushes().append(whole("p", 24, "24")), (push_outcome{0, 1})) << "not remembered";
  EXPECT_EQ(*log->pushes().append(whole("p", 41, "41")), (push_outcome{41, 0}));
}

TEST(JournalProducers, RefuseOtherContentWhileItIsRemembered) {
  journal_at log;
  for (sequence at = 1; at <= 17; ++at) ASSERT_TRUE(log->pushes().append(whole("p", at, "x")));
  log.reopen();
  for (const sequence at : {2, 9, 17}) {
    const auto other = log->pushes().append(whole("p", at, "y"));
    ASSERT_FALSE(other) << at;
    EXPECT_EQ(other.error().code, errc::conflict);
    EXPECT_THAT(other.error().message, HasSubstr("go on with 18"));
    EXPECT_EQ(log->pushes().append(whole("p", at, "x", "views")).error().code, errc::conflict);
  }
  EXPECT_TRUE(log->pushes().append(whole("p", 1, "y"))) << "the seventeenth from the end";
  EXPECT_EQ(log->entries().last(), 17);
}

TEST(JournalProducers, RefuseAGapAndSayWhatIsExpected) {
  journal_at log;
  EXPECT_EQ(log->pushes().append(whole("p", 2, "b")).error().code, errc::gap);
  ASSERT_TRUE(log->pushes().append(whole("p", 1, "a")));
  const auto ahead = log->pushes().append(whole("p", 3, "c"));
  ASSERT_FALSE(ahead);
  EXPECT_EQ(ahead.error().code, errc::gap);
  EXPECT_THAT(ahead.error().message, HasSubstr("2 is expected"));
  EXPECT_EQ(log->pushes().append(whole("p", ~sequence{0}, "z")).error().code, errc::gap);
  EXPECT_TRUE(log->pushes().append(whole("p", 2, "b")));
}

TEST(JournalProducers, DoNotConcernEachOther) {
  journal_at log;
  for (sequence at = 1; at <= 5; ++at) {
    EXPECT_EQ(log->pushes().append(whole("p", at, "p" + std::to_string(at)))->duplicates, 0);
    EXPECT_EQ(log->pushes().append(whole("p" + std::string(1, '\0'), at, "q"))->duplicates, 0);
    log.reopen();
    EXPECT_EQ(log->pushes().append(whole("p", at, "p" + std::to_string(at)))->duplicates, 1);
  }
  EXPECT_EQ(log->entries().last(), 10);
}

TEST(JournalProducers, HaveNamesThatCanBeRead) {
  journal_at log;
  for (const std::string& name : {std::string(), std::string(257, 'n'), std::string("a\xff"),
                                  std::string("\xc3"), std::string("\xed\xa0\x80")})
    EXPECT_EQ(log->pushes().append(whole(name, 1, "a")).error().code, errc::invalid) << name;
  EXPECT_EQ(log->pushes().append(whole("p", 0, "a")).error().code, errc::invalid);
  EXPECT_EQ(log->producers().last_sequence("\xff").error().code, errc::invalid);
  EXPECT_EQ(log->entries().last(), 0);
  EXPECT_TRUE(log->pushes().append(whole(std::string(256, 'n'), 1, "a")));
  EXPECT_TRUE(log->pushes().append(whole("\xc3\xa9 \xf0\x9f\x8d\x8b", 1, "a")));
}

TEST(JournalProducers, TakeOfALaterPushOnlyWhatIsNew) {
  journal_at log;
  EXPECT_EQ(*log->pushes().append(lines("p", 1, {"1", "2", "3"})), (push_outcome{1, 0}));
  EXPECT_EQ(*log->pushes().append(lines("p", 2, {"2", "3", "4", "5"})), (push_outcome{2, 2}));
  EXPECT_EQ(*log->pushes().append(lines("p", 1, {"1", "2", "3", "4", "5"})), (push_outcome{2, 5}));
  EXPECT_EQ(log->pushes().append(lines("p", 5, {"other", "6"})).error().code, errc::conflict);
  EXPECT_EQ(log->pushes().append(lines("p", 7, {"7"})).error().code, errc::gap);
  EXPECT_EQ(*log->pushes().append(lines("p", 6, {"6"})), (push_outcome{3, 0}));
  EXPECT_EQ(stored(log), "1\n2\n3\n4\n5\n6\n");
}

TEST(JournalProducers, CountUnitsWithoutBytes) {
  journal_at log;
  push blank{"clicks", 1, "", push_producer{"p", 1, {{1, 0}, {1, 0}}}};
  EXPECT_EQ(*log->pushes().append(blank), (push_outcome{0, 0}));
  EXPECT_EQ(*log->pushes().append(blank), (push_outcome{0, 2}));
  EXPECT_EQ(*log->pushes().append(lines("p", 3, {"3"})), (push_outcome{1, 0}));
  EXPECT_EQ(log->entries().last(), 1);
}

TEST(JournalProducers, StoreTheLettersOfAPushWithItAndOnce) {
  journal_at log;
  for (int run = 1; run <= 3; ++run) {
    // Each run is another source partition: what makes the letter one is the sequence.
    push long_line{"clicks", 1, "", push_producer{"p", 1, {{1, 0}}}, {letter(9, "too_long", run)}};
    EXPECT_EQ(log->pushes().append(long_line)->duplicates, run == 1 ? 0 : 1);
    log.reopen();
  }
  EXPECT_THAT(*log->dead_letters().list({}), ElementsAre(letter(9, "too_long", 1)));
  EXPECT_THAT(log->dead_letters().counts(),
              ElementsAre(dead_letter_count{1, "parse", "too_long", 1}));
  EXPECT_FALSE(
      log->pushes().append({"clicks", 1, "", push_producer{"p", 5, {{1, 0}}}, {letter(1)}}));
  EXPECT_EQ(log->dead_letters().list({})->size(), 1);
}

// Random pushes of several producers, repeated, ahead and altered, against a list of what was
// taken.
TEST(JournalProducers, AgreeWithAListOfWhatWasTaken) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t n) { return random() % n; };
    journal_at log;
    std::map<std::string, std::vector<std::string>> taken;
    std::string expected;
    for (int step = 0; step < 100; ++step) {
      const std::string name = "p" + std::to_string(below(3));
      auto& mine = taken[name];
      const std::size_t back = below(4) == 0 ? below(25) : below(3);
      const std::size_t first = mine.size() > back ? mine.size() - back + below(2) : below(3);
      std::vector<std::string> all;
      bool refused = first > mine.size();
      for (std::size_t i = first, count = 1 + below(4); i < first + count; ++i) {
        const bool known = i < mine.size(), other = below(30) == 0;
        all.push_back(known && !other ? mine[i] : name + "-" + std::to_string(step));
        // Judged by the last sixteen.
        if (known && other && mine.size() - i <= 16) refused = true;
      }
      const auto appended = log->pushes().append(lines(name, first + 1, all));
      ASSERT_EQ(appended.ok(), !refused) << step;
      for (std::size_t i = 0; !refused && i < all.size(); ++i) {
        if (first + i < mine.size()) continue;
        mine.push_back(all[i]);
        expected += all[i] + "\n";
      }
      if (below(20) == 0) log.reopen();
    }
    EXPECT_EQ(stored(log), expected);
    for (const auto& [name, mine] : taken)
      EXPECT_EQ(*log->producers().last_sequence(name), mine.size());
  }
}

TEST(JournalProducers, PushSafelyFromManyThreads) {
  journal_at log;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      const std::string name = "p" + std::to_string(thread / 2);  // two threads push the same
      for (sequence at = 1; at <= 25; ++at) {
        const auto taken = log->pushes().append(whole(name, at, name + ":" + std::to_string(at)));
        ASSERT_TRUE(taken) << why(taken);
      }
    });
  for (auto& one : threads) one.join();
  const auto entries = log->entries().read(1, 1 << 30);
  ASSERT_EQ(entries->size(), 100u);
  std::map<std::string, int> times;
  for (const journal_entry& one : *entries) ++times[one.what.payload];
  EXPECT_EQ(times.size(), 100u);
}

TEST(JournalProducers, AreNotAcknowledgedOnceTheDiskIsFull) {
  journal_at log;
  log.close();
  const int code = in_child([&] {
    limit_file_size(1 << 20);
    auto opened = journal::open(log.options());
    if (!opened) return 1;
    if (!(*opened)->pushes().append(whole("p", 1, "a"))) return 2;
    if ((*opened)->pushes().append(whole("p", 2, std::string(2 << 20, 'x')))) return 3;
    for (sequence at = 1; at <= 3; ++at) {
      const auto after = (*opened)->pushes().append(whole("p", at, "a"));
      if (after || after.error().code != errc::io) return 4;
    }
    return (*opened)->entries().last() == 1 && *(*opened)->producers().last_sequence("p") == 1 ? 0
                                                                                               : 5;
  });
  EXPECT_EQ(code, 0);
  log.reopen();
  EXPECT_EQ(*log->producers().last_sequence("p"), 1);
  EXPECT_EQ(stored(log), "a\n");
  EXPECT_EQ(log->pushes().append(whole("p", 1, "a"))->duplicates, 1);
  EXPECT_EQ(log->pushes().append(whole("p", 2, "b"))->duplicates, 0);
}

}  // namespace
}  // namespace windrow::storage
