#pragma once

#include <librdkafka/rdkafka.h>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <thread>

/// Keeps librdkafka fetching once its queues have been full. Only for `sources/kafka_*.cpp`.
namespace windrow::sources {

/// Where librdkafka takes a partition's queue to be full, and stops fetching for it.
struct kafka_queue_limits {
  std::size_t bytes = 0;
  std::size_t messages = 0;
};
/// The limits a client has.
kafka_queue_limits queue_limits_of(const rd_kafka_t* client);

/// Follows the length of one partition's queue. Plain; one thread.
class kafka_queue_watch {
public:
  explicit kafka_queue_watch(kafka_queue_limits limits) : limits_(limits) {}

  /// Messages that were taken from the queue, with what they weigh together.
  void taken(std::size_t messages, std::size_t bytes) noexcept {
    messages_ += messages;
    bytes_ += bytes;
    taken_ += messages;
  }
  /// Whether a queue of this length may have been full and is half emptied since: once for each
  /// halving. Between two looks it may have held what was taken besides, and half of a limit
  /// counts as full.
  bool wants_wake(std::size_t length) noexcept;

private:
  kafka_queue_limits limits_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  std::size_t taken_ = 0;    ///< messages since the last look
  std::size_t longest_ = 0;  ///< since the last wake
};

/// Makes a client look at a partition's queue, by a request to its broker that says nothing. Has
/// a thread of its own, because the request may have to wait for one that waits for messages.
class kafka_fetch_waker {
public:
  kafka_fetch_waker(rd_kafka_t* client, std::string topic);
  /// Waits for a request under way, a moment at most.
  ~kafka_fetch_waker();
  kafka_fetch_waker(const kafka_fetch_waker&) = delete;
  kafka_fetch_waker& operator=(const kafka_fetch_waker&) = delete;

  /// Does not wait. Any thread.
  void wake(int partition);

private:
  void run();

  rd_kafka_t* const client_;
  const std::string topic_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<int> due_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace windrow::sources
