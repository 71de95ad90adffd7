#include "base/low_latency_thread.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>

namespace windrow::storage {
namespace {

/// The slice of this thread in nanoseconds, as the kernel states it; 0 if it knows of none.
std::uint64_t slice() {
  std::array<std::uint64_t, 6> attributes{};  // the kernel's sched_attr: runtime comes fourth
  if (::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof(attributes), 0) != 0) return 0;
  return attributes[3];
}

/// What is asked for; nothing if the kernel knows of no slices.
std::uint64_t short_where_known(std::uint64_t before) { return before == 0 ? 0 : 100'000; }

TEST(PromptThread, HasAShortSliceWhileItLives) {
  const std::uint64_t before = slice();
  {
    const low_latency_thread soon;
    EXPECT_EQ(slice(), short_where_known(before));
  }
  EXPECT_EQ(slice(), before);
}

TEST(PromptThread, NestsAndEndsWithTheOutermost) {
  const std::uint64_t before = slice();
  std::optional<low_latency_thread> outer(std::in_place);
  { const low_latency_thread inner; }
  EXPECT_EQ(slice(), short_where_known(before));
  outer.reset();
  EXPECT_EQ(slice(), before);
}

}  // namespace
}  // namespace windrow::storage
