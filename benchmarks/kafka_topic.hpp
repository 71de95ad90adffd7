#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "windrow/result.hpp"

namespace windrow::bench {

/// A real Kafka broker, for as long as this lives; needs what `setup.sh --tests` fetches.
class kafka_broker {
public:
  static result<kafka_broker> start(const std::string& folder);
  ~kafka_broker();
  kafka_broker(kafka_broker&& other) noexcept;
  kafka_broker& operator=(kafka_broker&&) = delete;
  const std::string& address() const noexcept { return address_; }

private:
  kafka_broker(pid_t id, int hold, std::string address)
      : id_(id), hold_(hold), address_(std::move(address)) {}
  pid_t id_;
  int hold_;  ///< it ends when this is closed
  std::string address_;
};

/// Produces every line of a text as a message, to the partitions in turn.
result<void> produce_lines(const std::string& address, const std::string& topic, int partitions,
                           std::string_view text);

struct counted_topic {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};
/// What a consumer does that only counts: until so many messages have come.
result<counted_topic> count_messages(const std::string& address, const std::string& topic,
                                     int partitions, std::uint64_t messages);

}  // namespace windrow::bench
