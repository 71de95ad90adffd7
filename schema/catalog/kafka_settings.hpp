#pragma once

#include <cstdint>
#include <string_view>

#include "schema/catalog/source_kinds.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// A source that is a topic, read with librdkafka.
namespace windrow::schema {

/// Its arguments are librdkafka's properties, under `kafka_args`. Whether librdkafka knows one is
/// found when the source is opened.
extern const source_kind kafka_kind;

/// Where a topic is begun that has no position yet.
struct kafka_start {
  enum class from : std::uint8_t { earliest, latest, time } where = from::earliest;
  timestamp time;  ///< of the first message wanted
};
/// `earliest`, `latest` or a time; `invalid` says what to write.
result<kafka_start> parse_kafka_start(std::string_view text);

}  // namespace windrow::schema
