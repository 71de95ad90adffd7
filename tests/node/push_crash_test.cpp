#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "tests/support/card_declarations.hpp"
#include "windrow/engine.hpp"
#include "windrow/time.hpp"

/// Processes that push through the library are killed; the next one repeats what was not answered.
namespace windrow {
namespace {

using test::card_declarations;
using test::payment;
using test::temporary_folder;

constexpr int producers = 3;
constexpr std::uint64_t pushes = 60;  // of each producer

/// One acknowledgement, as it goes through the pipe.
struct acknowledgement {
  int producer = 0;
  std::uint64_t sequence = 0;
};

std::string name_of(int producer) { return "till " + std::to_string(producer); }

/// What a sequence of a producer stands for: always the same.
std::vector<std::string> messages_of(int producer, std::uint64_t sequence) {
  std::mt19937 random(static_cast<unsigned>(producer * 1000 + static_cast<int>(sequence)));
  std::vector<std::string> all(1 + random() % 5);
  for (std::string& one : all)
    one = random() % 20 == 0 ? "{oops"
                             : payment("c" + std::to_string(random() % 4),
                                       static_cast<int>(random() % 100), "10:30:00");
  return all;
}

result<engine> open(const temporary_folder& folder) {
  return engine::open({.declarations = folder / "features.yaml",
                       .data = folder / "data",
                       .shards = 2,
                       .checkpoint_interval = std::chrono::milliseconds(30)});
}

/// Pushes on from what was acknowledged, once more what may have been, and tells the parent.
void push_all(const temporary_folder& folder, const std::map<int, std::uint64_t>& from, int tell) {
  auto e = open(folder);
  if (!e) _exit(3);
  std::vector<std::thread> threads;
  for (int producer = 0; producer < producers; ++producer)
    threads.emplace_back([&, producer] {
      for (std::uint64_t at = from.at(producer) + 1; at <= pushes; ++at) {
        const auto all = messages_of(producer, at);
        const std::vector<std::string_view> views(all.begin(), all.end());
        const auto taken =
            e->push("payments", views, {.producer = name_of(producer), .sequence = at});
        if (!taken) _exit(4);
        const acknowledgement done{producer, at};
        if (::write(tell, &done, sizeof done) != sizeof done) _exit(5);
      }
    });
  for (auto& one : threads) one.join();
  _exit(e->close() ? 0 : 6);
}

TEST(PushCrash, EveryAcknowledgedPushCountsOnce) {
  const unsigned seed =
      std::getenv("SEED") ? static_cast<unsigned>(std::atoi(std::getenv("SEED"))) : 1;
  std::printf("SEED=%u\n", seed);
  std::mt19937 random(seed);
  temporary_folder folder;
  folder.write("features.yaml", card_declarations);
  std::map<int, std::uint64_t> acknowledged;
  for (int producer = 0; producer < producers; ++producer) acknowledged[producer] = 0;
  int kills = 0;
  for (bool ended = false; !ended;) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) push_all(folder, acknowledged, ends[1]);
    ::close(ends[1]);
    const unsigned patience = random() % 60;
    acknowledgement done;
    unsigned seen = 0;
    bool killed = false;
    while (::read(ends[0], &done, sizeof done) == sizeof done) {
      // Sometimes the answer is lost: the push will be repeated though it was taken.
      if (!killed || random() % 2) acknowledged[done.producer] = done.sequence;
      if (++seen > patience && !killed) {
        ::kill(child, SIGKILL);
        killed = true;
      }
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    kills += killed ? 1 : 0;
    ended = !killed;
    if (ended) {
      ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
  }
  EXPECT_GT(kills, 2);

  std::map<std::string, std::int64_t> expected;
  for (int producer = 0; producer < producers; ++producer)
    for (std::uint64_t at = 1; at <= pushes; ++at)
      for (const std::string& one : messages_of(producer, at))
        if (one[1] == '"')
          expected[one.substr(one.find("\"card\": \"") + 9, 2)] +=
              std::stoll(one.substr(one.find("\"amount\": ") + 10));
  auto e = open(folder);
  ASSERT_TRUE(e) << e.error().message;
  ASSERT_TRUE(e->settle());
  for (int producer = 0; producer < producers; ++producer)
    EXPECT_EQ(*e->producer_sequence(name_of(producer)), pushes);
  for (const auto& [card, sum] : expected) {
    const auto answer = e->query({.entities = {{"Card", card}},
                                  .features = {"spent[1h]"},
                                  .now = *parse_time("2026-01-01T11:00:00Z")});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<std::int64_t>(*answer->rows[0].features[0].value), sum) << card;
  }
}

TEST(PushCrash, AJournalOlderThanTheShardsIsRefused) {
  temporary_folder folder;
  folder.write("features.yaml", card_declarations);
  const std::string file = folder / "data/journal/data.mdb", copy = folder / "copy";
  const pid_t child = ::fork();
  if (child == 0) {
    auto e = open(folder);
    if (!e) _exit(3);
    std::filesystem::copy_file(file, copy);
    if (!e->push("payments", {payment("c1", 1, "10:30:00")}) || !e->settle()) _exit(4);
    _exit(e->checkpoint() ? 0 : 5);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  std::filesystem::copy_file(copy, file, std::filesystem::copy_options::overwrite_existing);
  const auto e = open(folder);
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, errc::corrupt);
  EXPECT_NE(e.error().message.find("lacks pushes that have been applied"), std::string::npos);
}

}  // namespace
}  // namespace windrow
