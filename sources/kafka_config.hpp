#pragma once

#include <string>
#include <utility>
#include <vector>

#include "schema/catalog/kafka_settings.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::sources {

/// What a declared Kafka source asks for, sorted by who acts on it.
struct kafka_config {
  std::string source;  ///< its name, for messages
  std::string topic;
  std::string group;              ///< whose offsets the broker is told: for dashboards only
  std::string dead_letter_topic;  ///< empty if there is none
  schema::kafka_start start;
  /// librdkafka's names and values, secrets among them: not to be shown.
  std::vector<std::pair<std::string, std::string>> properties;
  /// What a user runs, for messages: `windrow source seek transactions --data ./state`, to be
  /// followed by partition and place.
  std::string seek_command;
  std::string reset_command;
};

/// Requires a declared source of kind `kafka`, as the planner leaves it.
result<kafka_config> kafka_config_of(const schema::source& declared);

}  // namespace windrow::sources
