#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// The settings of a Kafka source, by name: what may be declared and what must be kept secret.
namespace windrow::schema {

struct kafka_setting {
  std::string_view name;  ///< as declared: `sasl_username`
  /// What librdkafka calls it, or empty where the source itself acts on it.
  std::string_view property;
  bool secret = false;  ///< never stored, never shown
  bool path = false;    ///< of a file; relative to the declarations
};

/// All of them but `kafka_args`, in alphabetical order.
std::span<const kafka_setting> kafka_settings();

/// Settings under `kafka_args` are kept beside the others under this prefix and librdkafka's name.
inline constexpr std::string_view kafka_argument_prefix = "kafka_args.";

/// Why librdkafka's property `name` may not stand under `kafka_args`, with what to write instead;
/// nothing where it may. Whether librdkafka knows it is found when the source is opened.
std::optional<std::string> refused_kafka_argument(std::string_view name);

/// Whether a stored name (`sasl_password`, `kafka_args.ssl.keystore.password`) holds a secret.
bool is_secret_setting(std::string_view name);

/// Where a topic is begun that has no position yet.
struct kafka_start {
  enum class from : std::uint8_t { earliest, latest, time } where = from::earliest;
  timestamp time;  ///< of the first message wanted
};
/// `earliest`, `latest` or a time; `invalid` says what to write.
result<kafka_start> parse_kafka_start(std::string_view text);

}  // namespace windrow::schema
