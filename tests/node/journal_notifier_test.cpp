#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "node/journal_input.hpp"

namespace windrow::node {
namespace {

TEST(JournalNotifier, CountsARingThatCameBeforeTheWaitOnce) {
  node::journal_notifier notifier;
  notifier.ring();
  notifier.ring();
  EXPECT_TRUE(notifier.wait());
  EXPECT_FALSE(notifier.wait());
}

TEST(JournalNotifier, WakesOneThatWaits) {
  node::journal_notifier notifier;
  auto heard = std::async(std::launch::async, [&] {
    while (!notifier.wait()) {
    }
    return true;
  });
  notifier.ring();
  EXPECT_TRUE(heard.get());
}

}  // namespace
}  // namespace windrow::node
