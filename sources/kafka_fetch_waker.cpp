#include "sources/kafka_fetch_waker.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace windrow::sources {

namespace {

constexpr int wake_timeout_ms = 20;

std::size_t number_of(const rd_kafka_t* client, const char* property) {
  char text[32] = "";
  std::size_t size = sizeof text;
  if (rd_kafka_conf_get(rd_kafka_conf(const_cast<rd_kafka_t*>(client)), property, text, &size) !=
      RD_KAFKA_CONF_OK) {
    return 0;
  }
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

kafka_queue_limits queue_limits_of(const rd_kafka_t* client) {
  return {number_of(client, "queued.max.messages.kbytes") * 1024,
          number_of(client, "queued.min.messages")};
}

bool kafka_queue_watch::wants_wake(std::size_t length) noexcept {
  longest_ = std::max(longest_, length + std::exchange(taken_, 0));
  if (length * 2 > longest_ || messages_ == 0) return false;
  const std::size_t weight = longest_ * (bytes_ / messages_ + 1);
  const bool was_full =
      longest_ > 0 && (longest_ >= limits_.messages / 2 || weight >= limits_.bytes / 2);
  longest_ = length;
  return was_full;
}

kafka_fetch_waker::kafka_fetch_waker(rd_kafka_t* client, std::string topic)
    : client_(client), topic_(std::move(topic)), thread_([this] { run(); }) {}

kafka_fetch_waker::~kafka_fetch_waker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void kafka_fetch_waker::wake(int partition) {
  const std::lock_guard lock(mutex_);
  due_.insert(partition);
  changed_.notify_all();
}

void kafka_fetch_waker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !due_.empty(); });
    if (stopping_) return;
    const int partition = due_.extract(due_.begin()).value();
    lock.unlock();
    std::int64_t low = 0, high = 0;
    static_cast<void>(rd_kafka_query_watermark_offsets(client_, topic_.c_str(), partition, &low,
                                                       &high, wake_timeout_ms));
    lock.lock();
  }
}

}  // namespace windrow::sources
