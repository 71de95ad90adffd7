#include "node/maintenance.hpp"

#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "node/journal_input.hpp"
#include "node/run_state.hpp"
#include "node/source_manager.hpp"
#include "storage/dedup/dedup_index.hpp"

namespace windrow::node {

namespace {

constexpr std::chrono::milliseconds interval{200};

}  // namespace

void maintenance::start() {
  thread_ = std::thread([this] { run(); });
}

void maintenance::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
  std::unique_lock lock(mutex_);
  const bool trim = std::exchange(trim_due_, false) && !parts_.state.read_only();
  const std::vector<storage::positions> committed = durable_;
  lock.unlock();
  if (trim) static_cast<void>(forget(committed));
}

void maintenance::durable(std::uint32_t shard, const storage::positions& at) {
  {
    const std::lock_guard lock(mutex_);
    durable_[shard] = at;
    trim_due_ = true;
  }
  changed_.notify_all();
}

void maintenance::found_partitions() {
  {
    const std::lock_guard lock(mutex_);
    discovery_due_ = true;
  }
  changed_.notify_all();
}

void maintenance::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, interval, [this] { return stopping_ || trim_due_ || discovery_due_; });
    if (stopping_) return;
    discovery_due_ = false;
    const bool trim = std::exchange(trim_due_, false);
    const std::vector<storage::positions> committed =
        trim ? durable_ : std::vector<storage::positions>{};
    lock.unlock();
    if (auto kept = trim ? forget(committed) : result<void>{}; !kept)
      parts_.state.fail(kept.error());
    parts_.sources.discover();
    parts_.sources.registry().sample(steady_clock());
    lock.lock();
  }
}

result<void> maintenance::forget(const std::vector<storage::positions>& committed) {
  storage::positions smallest = committed.front();
  for (const storage::positions& p : committed) {
    for (auto& [partition, at] : smallest) {
      const auto mine = p.find(partition);
      at = std::min(at, mine == p.end() ? 0 : mine->second);
    }
  }
  if (parts_.dedup) parts_.dedup->forget(smallest);
  for (const auto& [partition, at] : smallest) {
    if (partition == parts_.pushes) {
      if (auto trimmed = parts_.journal.pushes().trim(entry_applied(at)); !trimmed) return trimmed;
    }
    if (auto gone = parts_.journal.removal().forget_removed(partition, at); !gone) return gone;
  }
  return parts_.sources.committed(smallest, parts_.pushes);
}

}  // namespace windrow::node
