#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "node/journal_input.hpp"

namespace windrow::node {
namespace {

TEST(JournalBell, CountsARingThatCameBeforeTheWaitOnce) {
  node::journal_notifier bell;
  bell.ring();
  bell.ring();
  EXPECT_TRUE(bell.wait());
  EXPECT_FALSE(bell.wait());
}

TEST(JournalBell, WakesOneThatWaits) {
  node::journal_notifier bell;
  auto heard = std::async(std::launch::async, [&] {
    while (!bell.wait()) {
    }
    return true;
  });
  bell.ring();
  EXPECT_TRUE(heard.get());
}

}  // namespace
}  // namespace windrow::node
