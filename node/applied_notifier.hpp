#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace windrow::node {

/// Wakes those who wait until something is applied.
///
/// Any thread. Notifying costs one atomic load while nobody waits: shards do it after each batch
/// of pushes.
class applied_notifier {
public:
  /// Something was applied, or waiting is over for another reason. Whatever a `ready` looks at
  /// changed before this call.
  void notify() {
    if (waiting_.load() == 0) return;
    {
      const std::lock_guard lock(mutex_);
      ++turn_;
    }
    changed_.notify_all();
  }

  /// Waits until `ready()` holds. It is asked at once and after each `notify`, with no lock held.
  template <class Ready>
  void wait(Ready&& ready) {
    wait_by(ready, [this](auto& lock, auto turned) {
      changed_.wait(lock, turned);
      return true;
    });
  }

  /// The same until `end` at most; whether `ready()` held.
  template <class Ready>
  bool wait_until(std::chrono::steady_clock::time_point end, Ready&& ready) {
    return wait_by(ready, [this, end](auto& lock, auto turned) {
      return changed_.wait_until(lock, end, turned);
    });
  }

private:
  template <class Ready, class Sleep>
  bool wait_by(Ready& ready, Sleep&& sleep) {
    waiting_.fetch_add(1);  // before the first look: what changes later is notified of
    std::unique_lock lock(mutex_);
    bool in_time = true;
    for (;;) {
      const std::uint64_t seen = turn_;
      lock.unlock();
      if (ready()) break;
      if (!in_time) {
        waiting_.fetch_sub(1);
        return false;
      }
      lock.lock();
      in_time = sleep(lock, [this, seen] { return turn_ != seen; });
    }
    waiting_.fetch_sub(1);
    return true;
  }

  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t turn_ = 0;  // of notifications while somebody waits
};

}  // namespace windrow::node
