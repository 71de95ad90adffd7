#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sources/kafka_config.hpp"
#include "windrow/result.hpp"

namespace windrow::sources {

/// A message for the dead letter topic. Views need to live only while `send` runs.
struct outgoing_message {
  std::optional<std::string_view> key;
  std::string_view value;
  std::vector<std::pair<std::string, std::string>> headers;
  std::int64_t time = 0;  ///< microseconds
};

/// Produces to one topic, idempotently: no message twice and none out of order for as long as the
/// producer lives. Belongs to one thread.
class kafka_producer {
public:
  /// With the source's own connection settings.
  static result<std::unique_ptr<kafka_producer>> open(const kafka_config& config,
                                                      const std::string& topic);
  virtual ~kafka_producer() = default;

  /// Hands a message over; false if there is no room now: `wait` and try again.
  virtual result<bool> send(const outgoing_message& message) = 0;
  /// Waits until everything handed over is with all replicas, at most `timeout_ms`; whether it is.
  /// A failure ends the producer: open another one, and send what was not known to be there again.
  virtual result<bool> wait(int timeout_ms) = 0;
  /// What is in the way at present; empty if nothing is.
  virtual std::string trouble() const = 0;
};

}  // namespace windrow::sources
