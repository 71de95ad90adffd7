#include "node/run_state.hpp"

namespace windrow::node {

void run_state::fail(const failure& why) {
  {
    const std::lock_guard lock(mutex_);
    if (!failed_) failed_ = why;
  }
  changed_.notify_all();
  applied_.notify();
}

std::optional<failure> run_state::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

failure run_state::not_journalled(const failure& why) {
  if (why.code == errc::io) fail(why);
  return why;
}

void run_state::finished(bool is_finished) {
  {
    const std::lock_guard lock(mutex_);
    finished_ = is_finished;
  }
  changed_.notify_all();
}

bool run_state::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

void run_state::wait(std::chrono::milliseconds time_limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time_limit, [this] { return finished_ || failed_; });
}

result<void> run_state::takes_input(const call_gate::pass& call) const {
  if (read_only_ || !call) return failure{errc::closed, "the node is closed"};
  if (failed()) return closed();
  return {};
}

failure run_state::closed() const {
  const auto why = failed();
  return {errc::closed,
          why ? "the node has stopped taking input: " + why->message : "the node is closed"};
}

}  // namespace windrow::node
