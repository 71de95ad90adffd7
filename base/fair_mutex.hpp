#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace windrow {

/// A mutex that lets its waiters in in the order in which they came. For long holders, such as
/// commits: with std::mutex one that locks again and again keeps the others out.
class fair_mutex {
public:
  void lock() {
    std::unique_lock held(mutex_);
    const std::uint64_t mine = next_++;
    changed_.wait(held, [&] { return serving_ == mine; });
  }
  void unlock() {
    const std::lock_guard held(mutex_);
    ++serving_;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
};

}  // namespace windrow
