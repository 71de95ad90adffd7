#include "base/group_commit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/fair_mutex.hpp"

namespace windrow::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

struct item {
  int number = 0;
  int group = 0;
};

/// Commits that can be held up, and what they committed.
class held_commits {
public:
  explicit held_commits(std::size_t bytes_max = 1000)
      : commits(bytes_max, [this](std::span<item* const> group) {
          if (groups.empty()) {
            begun.set_value();
            let_go.get_future().wait();
          }
          groups.emplace_back();
          for (item* one : group) {
            one->group = static_cast<int>(groups.size());
            groups.back().push_back(one->number);
          }
        }) {}

  /// Adds a thread that joins, after those that wait already.
  void join(int number, std::size_t bytes) {
    const std::size_t before = threads.empty() ? 0 : threads.size() - 1;
    threads.emplace_back([this, number, bytes] {
      item mine{number};
      commits.join(mine, bytes);
      EXPECT_GT(mine.group, 0);
    });
    if (threads.size() == 1) return begun.get_future().wait();
    while (commits.waiting() <= before) std::this_thread::yield();
  }
  void finish() {
    let_go.set_value();
    for (auto& one : threads) one.join();
  }

  std::promise<void> begun, let_go;
  std::vector<std::vector<int>> groups;
  group_commit<item> commits;
  std::vector<std::thread> threads;
};

TEST(GroupCommit, ALoneThreadWaitsForNobody) {
  int committed = 0;
  group_commit<item> commits(10, [&](std::span<item* const> group) {
    EXPECT_THAT(group, SizeIs(1));
    ++committed;
  });
  item one{1};
  commits.join(one, 5000);
  commits.join(one, 0);
  EXPECT_EQ(committed, 2);
  EXPECT_EQ(commits.waiting(), 0u);
}

TEST(GroupCommit, ThoseThatComeMeanwhileShareTheNext) {
  held_commits held;
  for (int number = 1; number <= 6; ++number) held.join(number, 10);
  held.finish();
  EXPECT_THAT(held.groups, ElementsAre(ElementsAre(1), ElementsAre(2, 3, 4, 5, 6)));
}

TEST(GroupCommit, AGroupIsBounded) {
  held_commits held(100);
  const std::size_t bytes[] = {10, 60, 40, 1, 500, 50, 50};
  int number = 0;
  for (const std::size_t size : bytes) held.join(++number, size);
  held.finish();
  EXPECT_THAT(held.groups, ElementsAre(ElementsAre(1), ElementsAre(2, 3), ElementsAre(4),
                                       ElementsAre(5), ElementsAre(6, 7)));
}

TEST(GroupCommit, EveryItemIsInOneGroup) {
  int total = 0;
  group_commit<item> commits(64, [&](std::span<item* const> group) {
    for (item* one : group) one->group += 1, total += one->number;
  });
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        item mine{1};
        commits.join(mine, 16);
        ASSERT_EQ(mine.group, 1);
      }
    });
  for (auto& one : threads) one.join();
  EXPECT_EQ(total, 16'000);
}

TEST(FairMutex, LetsOneInAtATime) {
  fair_mutex mutex;
  int inside = 0, times = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const std::lock_guard lock(mutex);
        EXPECT_EQ(++inside, 1);
        ++times;
        --inside;
      }
    });
  for (auto& one : threads) one.join();
  EXPECT_EQ(times, 4000);
}

}  // namespace
}  // namespace windrow::storage
