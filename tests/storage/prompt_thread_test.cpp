#include "storage/prompt_thread.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>

namespace windrow::storage {
namespace {

/// The slice of this thread in nanoseconds, as the kernel states it; 0 where it knows of none.
std::uint64_t slice() {
  std::array<std::uint64_t, 6> attributes{};  // the kernel's sched_attr: runtime comes fourth
  if (::syscall(SYS_sched_getattr, 0, attributes.data(), sizeof(attributes), 0) != 0) return 0;
  return attributes[3];
}

TEST(PromptThread, HasAShortSliceWhileItLives) {
  const std::uint64_t before = slice();
  if (before == 0) GTEST_SKIP() << "this kernel has no slices to ask for";
  {
    const prompt_thread soon;
    EXPECT_EQ(slice(), 100'000u);
  }
  EXPECT_EQ(slice(), before);
}

TEST(PromptThread, NestsAndEndsWithTheOutermost) {
  const std::uint64_t before = slice();
  if (before == 0) GTEST_SKIP() << "this kernel has no slices to ask for";
  std::optional<prompt_thread> outer(std::in_place);
  { const prompt_thread inner; }
  EXPECT_EQ(slice(), 100'000u);
  outer.reset();
  EXPECT_EQ(slice(), before);
}

}  // namespace
}  // namespace windrow::storage
