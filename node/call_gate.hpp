#pragma once

#include <condition_variable>
#include <mutex>

namespace windrow::node {

/// Lets calls in until it is closed, and then waits for those inside: whoever takes down what
/// they use closes it first. Any thread.
class call_gate {
public:
  /// A call that was let in; leaves when it is destroyed. Tests true if it was.
  class pass {
  public:
    pass() = default;
    explicit pass(call_gate* gate) : gate_(gate) {}
    pass(pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    pass& operator=(pass&&) = delete;
    ~pass() {
      if (gate_) gate_->leave();
    }
    explicit operator bool() const noexcept { return gate_ != nullptr; }

  private:
    call_gate* gate_ = nullptr;
  };

  pass enter() {
    std::lock_guard lock(mutex_);
    if (closed_) return {};
    ++inside_;
    return pass(this);
  }
  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  /// Lets nobody in any more.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  /// Returns once nobody is inside. Requires `close`; not from inside.
  void wait_until_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return inside_ == 0; });
  }

private:
  void leave() {
    std::lock_guard lock(mutex_);
    if (--inside_ == 0) changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool closed_ = false;
};

}  // namespace windrow::node
