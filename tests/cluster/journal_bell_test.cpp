#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "cluster/inputs.hpp"

namespace windrow::cluster {
namespace {

using sound = journal_bell::sound;

TEST(JournalBell, CountsARingThatCameBeforeTheWaitOnce) {
  journal_bell bell;
  bell.ring();
  bell.ring();
  EXPECT_EQ(bell.wait(), sound::rung);
  EXPECT_EQ(bell.wait(), sound::silence);
}

TEST(JournalBell, WakesOneThatWaits) {
  journal_bell bell;
  auto heard = std::async(std::launch::async, [&] {
    auto now = sound::silence;
    while (now == sound::silence) now = bell.wait();
    return now;
  });
  bell.ring();
  EXPECT_EQ(heard.get(), sound::rung);
}

TEST(JournalBell, EndsForGood) {
  journal_bell bell;
  bell.end();
  EXPECT_EQ(bell.wait(), sound::end);
  EXPECT_EQ(bell.wait(), sound::end);
}

}  // namespace
}  // namespace windrow::cluster
