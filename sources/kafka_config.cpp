#include "sources/kafka_config.hpp"

#include <algorithm>

namespace windrow::sources {

result<kafka_config> kafka_config_of(const schema::source& declared) {
  kafka_config config;
  config.source = declared.name;
  config.group = "windrow-" + declared.name;
  for (const auto& [name, value] : declared.settings) {
    if (const auto argument = schema::library_name(schema::kafka_kind, name)) {
      config.properties.emplace_back(*argument, value);
      continue;
    }
    if (name == "topic") config.topic = value;
    if (name == "group_id") config.group = value;
    if (name == "dead_letter_queue_topic") config.dead_letter_topic = value;
    if (name == "insecure" && value == "true") {
      config.properties.emplace_back("enable.ssl.certificate.verification", "false");
      config.properties.emplace_back("ssl.endpoint.identification.algorithm", "none");
    }
    if (name == "start") {
      const auto start = schema::parse_kafka_start(value);
      if (!start) return start.error();
      config.start = *start;
    }
    const auto known = schema::kafka_kind.settings;
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&, key = name](const auto& s) { return s.name == key; });
    if (found == known.end() || found->property.empty()) continue;
    if (found->property != "group.id") config.properties.emplace_back(found->property, value);
  }
  return config;
}

}  // namespace windrow::sources
