#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace windrow {

/// Lets many threads share one commit. A thread that finds nobody committing commits at once, for
/// itself; those that come meanwhile wait, and one of them then commits for all of them. So a lone
/// thread waits for nothing, and the slower the disk, the more share a commit.
///
/// Operation: `join` returns once its item has been in a group. Items keep their order of arrival,
/// within a group and between groups. What became of an item, the commit writes into it.
/// Concurrency: any thread may call anything; commits never overlap. An item is the joining
/// thread's before and after `join`, the committing thread's in between.
/// Limits: a group takes items until it holds `bytes_max`, but at least one.
template <class Item>
class group_commit {
public:
  using commit = std::function<void(std::span<Item* const>)>;

  group_commit(std::size_t bytes_max, commit how)
      : bytes_max_(bytes_max), commit_(std::move(how)) {}

  void join(Item& item, std::size_t bytes) {
    std::unique_lock held(mutex_);
    member mine{&item, bytes};
    waiting_.push_back(&mine);
    mine.changed.wait(held, [&] { return mine.done || (!leading_ && waiting_.front() == &mine); });
    if (!mine.done) lead(held);
  }

  /// How many wait for the commit under way to end.
  std::size_t waiting() const {
    const std::lock_guard held(mutex_);
    return waiting_.size();
  }

private:
  struct member {
    Item* item = nullptr;
    std::size_t bytes = 0;
    bool done = false;
    std::condition_variable changed{};
  };

  void lead(std::unique_lock<std::mutex>& held) {
    leading_ = true;
    std::size_t bytes = 0, count = 0;
    while (count < waiting_.size() && (count == 0 || bytes + waiting_[count]->bytes <= bytes_max_))
      bytes += waiting_[count++]->bytes;
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    const std::vector<member*> group(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    std::vector<Item*> items;
    for (member* one : group) items.push_back(one->item);
    held.unlock();
    commit_(items);
    held.lock();
    leading_ = false;
    for (member* one : group) {
      one->done = true;
      one->changed.notify_one();
    }
    if (!waiting_.empty()) waiting_.front()->changed.notify_one();
  }

  const std::size_t bytes_max_;
  const commit commit_;
  mutable std::mutex mutex_;
  std::vector<member*> waiting_;  ///< in order of arrival, without the group under way
  bool leading_ = false;
};

}  // namespace windrow
