#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace windrow::bench {

/// Hands values from one thread to another, a bounded number under way.
template <class T>
class bounded_queue {
public:
  explicit bounded_queue(std::size_t capacity) : capacity_(capacity) {}

  void push(T value) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return values_.size() < capacity_ || ended_; });
    values_.push_back(std::move(value));
    more_.notify_one();
  }
  /// No more will come, or nobody takes any more.
  void end() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    more_.notify_all();
    room_.notify_all();
  }
  /// Waits; nothing at the end.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return ended_ || !values_.empty(); });
    return take();
  }
  std::optional<T> try_pop() {
    std::lock_guard lock(mutex_);
    return take();
  }
  bool ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }

private:
  std::optional<T> take() {
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    room_.notify_one();
    return value;
  }
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable more_, room_;
  std::deque<T> values_;
  bool ended_ = false;
};

}  // namespace windrow::bench
