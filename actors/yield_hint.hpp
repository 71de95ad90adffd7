#pragma once

#include <atomic>
#include <cstdint>

namespace windrow::actors {

/// Lets those that compute know that somebody waits for an answer, so that they give way between
/// batches.
///
/// A thread that wakes up on a busy machine, a client's of the same machine included, waits until a
/// computing one lets go of its core. Even where it asks to run at once (`low_latency_thread`):
/// has it had more than its share, Linux looks at it again with the next tick, up to 4 ms later.
/// Giving way after each batch costs a tenth of ingest, so it is done only while there are
/// requests.
///
/// Concurrency: any thread.
class yield_hint {
public:
  /// Somebody asks something, or pushes and waits for the acknowledgement.
  void notify_request() noexcept { requests_.fetch_add(1, std::memory_order_relaxed); }

  /// For actors that compute, between two batches or two writes: lets others run if there were
  /// requests since `seen`, which is the caller's own.
  void yield_if_requests(std::uint64_t& seen) const noexcept;

private:
  std::atomic<std::uint64_t> requests_{0};
};

}  // namespace windrow::actors
