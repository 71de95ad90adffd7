#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sources/kafka_source.hpp"

namespace windrow::sources {

/// What a folder remembers of a topic's partition besides its position: the state of its source
/// partition in the journal.
struct kafka_partition_state {
  /// Where it was begun; nothing until that has been found out.
  std::optional<sequence> start;
  /// A record at or before the smallest position of any stripe.
  std::optional<record_fingerprint> check;
  /// Dead letters at or below are in the dead letter topic.
  sequence dead_letters = 0;

  friend bool operator==(const kafka_partition_state&, const kafka_partition_state&) = default;
};

/// `start=500 check=1234:00f03ab1c2d4e5f6 letters=1200`, each only where there is one.
std::string to_text(const kafka_partition_state& state);
/// `corrupt` where the text is none of it.
result<kafka_partition_state> parse_kafka_partition_state(std::string_view text);

}  // namespace windrow::sources
