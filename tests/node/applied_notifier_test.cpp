#include "node/applied_notifier.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace windrow::node {
namespace {

using namespace std::chrono_literals;

// A notification that comes between a look and the sleep after it would be lost, and its waiter
// would sleep to the end.
TEST(AppliedNotifier, LosesNoNotification) {
  constexpr int waiters = 4, steps = 20'000;
  applied_notifier applied;
  std::atomic<int> position{0};
  std::atomic<int> late{0};
  std::vector<std::atomic<int>> reached(waiters);
  std::vector<std::thread> threads;
  for (int w = 0; w < waiters; ++w) {
    threads.emplace_back([&, w] {
      for (int step = 1; step <= steps; ++step) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        if (!applied.wait_until(end, [&] { return position.load() >= step; })) ++late;
        reached[static_cast<std::size_t>(w)] = step;
      }
    });
  }
  // Moves on as soon as one waiter has come: the others are anywhere between look and sleep.
  for (int step = 1; step <= steps; ++step) {
    position = step;
    applied.notify();
    while (late == 0 && reached[static_cast<std::size_t>(step % waiters)] < step) {
      std::this_thread::yield();
    }
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(late, 0);
}

TEST(AppliedNotifier, SaysWhetherItWasInTime) {
  applied_notifier applied;
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(applied.wait_until(begun, [] { return true; })) << "what is there needs no time";
  EXPECT_FALSE(applied.wait_until(begun + 5ms, [] { return false; }));
  EXPECT_GE(std::chrono::steady_clock::now(), begun + 5ms);
}

TEST(AppliedNotifier, WakesWhoeverWaitsWithoutAnEnd) {
  applied_notifier applied;
  std::atomic<bool> ready{false};
  std::thread waiter([&] { applied.wait([&] { return ready.load(); }); });
  ready = true;
  applied.notify();
  waiter.join();
}

}  // namespace
}  // namespace windrow::node
