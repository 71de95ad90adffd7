#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "node/applied_notifier.hpp"
#include "node/call_gate.hpp"
#include "windrow/result.hpp"

namespace windrow::node {

/// How a node is getting on as a whole: whether it takes calls, has failed, has finished. Shared by
/// its parts, which outlive none of it. Any thread.
class run_state {
public:
  explicit run_state(bool read_only) : read_only_(read_only) {}

  /// Folder and journal are only looked at.
  bool read_only() const noexcept { return read_only_; }
  /// Lets calls in until the node is stopped.
  call_gate& calls() noexcept { return calls_; }
  /// Wakes those who wait until pushes are applied.
  applied_notifier& applied() noexcept { return applied_; }

  /// Nothing is taken any longer. The first reason is kept.
  void fail(const failure& why);
  std::optional<failure> failed() const;
  /// If the journal cannot be written, it never is again: the node has failed then. `why`.
  failure not_journalled(const failure& why);

  /// Whether nothing more will come.
  void finished(bool is_finished);
  bool finished() const;
  /// Waits until the node has finished or failed, or the time is over.
  void wait(std::chrono::milliseconds time_limit);

  /// `closed`, with the reason if there is one, unless something may be changed; `call` is the
  /// caller's pass.
  result<void> takes_input(const call_gate::pass& call) const;
  /// Why nothing is taken.
  failure closed() const;

private:
  const bool read_only_;
  call_gate calls_;
  applied_notifier applied_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<failure> failed_;
  bool finished_ = false;
};

}  // namespace windrow::node
