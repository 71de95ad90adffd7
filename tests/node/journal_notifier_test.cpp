#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "node/journal_input.hpp"

namespace windrow::node {
namespace {

TEST(JournalNotifier, CountsACallBeforeTheWaitOnce) {
  node::journal_notifier notifier;
  notifier.notify();
  notifier.notify();
  EXPECT_TRUE(notifier.wait());
  EXPECT_FALSE(notifier.wait());
}

TEST(JournalNotifier, WakesOneThatWaits) {
  node::journal_notifier notifier;
  auto woken = std::async(std::launch::async, [&] {
    while (!notifier.wait()) {
    }
    return true;
  });
  notifier.notify();
  EXPECT_TRUE(woken.get());
}

}  // namespace
}  // namespace windrow::node
