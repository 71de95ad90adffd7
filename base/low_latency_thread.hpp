#pragma once

#include <cstdint>

namespace windrow {

/// While it lives, the thread that made it runs soon after it is woken, busy threads or not.
///
/// A thread that is woken while others compute waits for one of them to use up its slice: 3 to 4 ms
/// on Linux, and a commit waits twice, once a sync. One that asks for a short slice is let in at
/// once. It gets no more processor time than before, only sooner, and needs no privilege.
///
/// For threads that wait more than they compute, with somebody waiting for them. The same thread
/// makes and ends it; they nest. Does nothing if the kernel does not know of it (before Linux
/// 6.12) or the thread has a policy of its own, such as a real-time one.
class low_latency_thread {
public:
  low_latency_thread() noexcept;
  ~low_latency_thread();
  low_latency_thread(const low_latency_thread&) = delete;
  low_latency_thread& operator=(const low_latency_thread&) = delete;

private:
  std::uint64_t before_ = 0;  ///< the slice to go back to; 0: nothing was changed
};

}  // namespace windrow
