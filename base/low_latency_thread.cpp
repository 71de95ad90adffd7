#include "base/low_latency_thread.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace windrow {

namespace {

constexpr std::uint64_t short_slice_ns = 100'000;  // the shortest that Linux takes

/// The kernel's `struct sched_attr`, first version: of a SCHED_OTHER thread `runtime` is its slice.
struct attributes {
  std::uint32_t size = sizeof(attributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};
static_assert(sizeof(attributes) == 48);

bool read(attributes& of_this_thread) noexcept {
  return ::syscall(SYS_sched_getattr, 0, &of_this_thread, sizeof(attributes), 0) == 0;
}

bool write(attributes& to_this_thread) noexcept {
  to_this_thread.size = sizeof(attributes);
  to_this_thread.flags = 0;
  return ::syscall(SYS_sched_setattr, 0, &to_this_thread, 0) == 0;
}

}  // namespace

low_latency_thread::low_latency_thread() noexcept {
  attributes now;
  // Kernels that know no slices say 0.
  if (!read(now) || now.policy != SCHED_OTHER || now.runtime <= short_slice_ns) return;
  const std::uint64_t before = now.runtime;
  now.runtime = short_slice_ns;
  if (write(now)) before_ = before;
}

low_latency_thread::~low_latency_thread() {
  attributes now;
  if (before_ == 0 || !read(now)) return;
  now.runtime = before_;
  write(now);
}

}  // namespace windrow
