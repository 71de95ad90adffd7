#include "schema/catalog/kafka_settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/suggest.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

result<std::string> one_of(std::string_view name, std::string value,
                           const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return value;
  return failure{errc::invalid, "unknown " + ticked(name) + " " + ticked(value) + "; " +
                                    did_you_mean(value, known)};
}

result<std::string> read_protocol(std::string_view name, std::string_view value) {
  std::string lower(value);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return one_of(name, std::move(lower), {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"});
}

result<std::string> read_mechanism(std::string_view name, std::string_view value) {
  return one_of(name, std::string(value),
                {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"});
}

result<std::string> read_flag(std::string_view name, std::string_view value) {
  return one_of(name, std::string(value), {"true", "false"});
}

result<std::string> read_topic(std::string_view, std::string_view value) {
  const bool good = value.size() <= 249 && value != "." && value != ".." &&
                    std::all_of(value.begin(), value.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
                    });
  if (good) return std::string(value);
  return failure{errc::invalid, ticked(value) +
                                    " cannot be the name of a topic: letters, digits, `.`, `_` "
                                    "and `-`, at most 249"};
}

result<std::string> read_start(std::string_view, std::string_view value) {
  if (const auto start = parse_kafka_start(value); !start) return start.error();
  return std::string(value);
}

constexpr std::array kafka_settings{
    source_setting{.name = "bootstrap_server", .property = "bootstrap.servers", .required = true},
    source_setting{.name = "dead_letter_queue_topic", .read = read_topic},
    source_setting{.name = "group_id", .property = "group.id"},
    source_setting{.name = "insecure", .read = read_flag},
    source_setting{.name = "sasl_mechanism", .property = "sasl.mechanism", .read = read_mechanism},
    source_setting{.name = "sasl_password", .property = "sasl.password", .secret = true},
    source_setting{.name = "sasl_username", .property = "sasl.username"},
    source_setting{
        .name = "security_protocol", .property = "security.protocol", .read = read_protocol},
    source_setting{.name = "ssl_ca_file", .property = "ssl.ca.location", .path = true},
    source_setting{
        .name = "ssl_certificate_file", .property = "ssl.certificate.location", .path = true},
    source_setting{.name = "ssl_key_file", .property = "ssl.key.location", .path = true},
    source_setting{.name = "ssl_key_password", .property = "ssl.key.password", .secret = true},
    source_setting{.name = "start", .read = read_start},
    source_setting{.name = "topic", .required = true, .read = read_topic},
};

struct refused_argument {
  std::string_view prefix;  ///< of the property; its whole name where it ends in no dot
  std::string_view reason;
};

constexpr std::string_view positions =
    "positions live with the state they belong to; the broker's copy is for dashboards only";
constexpr std::string_view own_place =
    "each partition is read from the position in the folder, "
    "and a gap stops the source; `start` says where to begin";

constexpr std::string_view all_replicas =
    "a dead letter counts as produced when all replicas have it";
constexpr std::string_view insecure = "write `insecure: true` if that is meant";

constexpr std::array refused{
    refused_argument{"group.", "there is no consumer group: windrow reads every partition itself"},
    refused_argument{"session.timeout.ms", "there is no consumer group"},
    refused_argument{"heartbeat.interval.ms", "there is no consumer group"},
    refused_argument{"max.poll.interval.ms", "there is no consumer group"},
    refused_argument{"partition.assignment.strategy", "there is no consumer group"},
    refused_argument{"coordinator.query.interval.ms", "there is no consumer group"},
    refused_argument{"enable.auto.commit", positions},
    refused_argument{"auto.commit.", positions},
    refused_argument{"enable.auto.offset.store", positions},
    refused_argument{"offset.store.", positions},
    refused_argument{"auto.offset.reset", own_place},
    refused_argument{"isolation.level", "messages of aborted transactions must not be counted"},
    refused_argument{"check.crcs", "damaged messages must not be counted"},
    refused_argument{"enable.partition.eof", "the source needs it"},
    refused_argument{"consume.callback.max.messages", "windrow reads without callbacks"},
    refused_argument{"enable.idempotence", "dead letters are produced once for each attempt"},
    refused_argument{"transactional.id", "dead letters are produced without transactions"},
    refused_argument{"acks", all_replicas},
    refused_argument{"request.required.acks", all_replicas},
    refused_argument{"message.timeout.ms", "dead letters wait for the broker as long as it takes"},
    refused_argument{"delivery.timeout.ms", "dead letters wait for the broker as long as it takes"},
    refused_argument{"plugin.library.paths", "plugins can change what is read"},
    refused_argument{"interceptors", "interceptors can change what is read"},
    refused_argument{"enable.ssl.certificate.verification", insecure},
    refused_argument{"ssl.endpoint.identification.algorithm", insecure},
    refused_argument{"metadata.broker.list", "write `bootstrap_server`"},
    refused_argument{"sasl.mechanisms", "write `sasl_mechanism`"},
    refused_argument{"allow.auto.create.topics",
                     "a topic that is not there is an error, not a new topic"},
    refused_argument{"test.mock.num.brokers", "`kafka` reads brokers"},
    refused_argument{"opaque", "windrow sets it"},
    refused_argument{"log.queue", "windrow sets it"},
};

bool covers(std::string_view prefix, std::string_view name) {
  return prefix.ends_with('.') ? name.starts_with(prefix) : name == prefix;
}

/// Why librdkafka's property `name` may not stand under `kafka_args`.
std::optional<std::string> refused_argument_of(std::string_view name) {
  for (const source_setting& s : kafka_settings) {
    if (s.property == name && !name.empty()) return "write " + ticked(s.name);
  }
  for (const refused_argument& r : refused) {
    if (covers(r.prefix, name)) return std::string(r.reason);
  }
  if (name.ends_with("_cb")) return "callbacks cannot be declared";
  return std::nullopt;
}

constexpr library_arguments arguments{"kafka_args", "librdkafka", refused_argument_of};

const std::string* find_setting(const source_settings& given, std::string_view name) {
  for (const auto& [key, value] : given) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// Credentials that would not be used are a mistake that shows only when it is too late.
std::vector<setting_problem> check_protocol(const source_settings& given, const std::string& what) {
  std::vector<setting_problem> problems;
  const std::string* declared = find_setting(given, "security_protocol");
  const std::string protocol = declared == nullptr ? "plaintext" : *declared;
  const bool sasl = protocol.starts_with("sasl_");
  const bool tls = protocol.ends_with("ssl");
  for (const auto& [name, value] : given) {
    if (!sasl && name.starts_with("sasl_")) {
      problems.push_back(
          {name, ticked(name) + " needs `security_protocol: sasl_ssl` (or `sasl_plaintext`)"});
    }
    if (!tls && (name.starts_with("ssl_") || name == "insecure")) {
      problems.push_back({name, ticked(name) + " needs `security_protocol: ssl` (or `sasl_ssl`)"});
    }
  }
  if (!sasl) return problems;
  const std::string* mechanism = find_setting(given, "sasl_mechanism");
  if (mechanism == nullptr) {
    problems.push_back({"security_protocol", what + " has no `sasl_mechanism`; write such as "
                                                    "`sasl_mechanism: SCRAM-SHA-512`"});
    return problems;
  }
  if (*mechanism == "GSSAPI" || *mechanism == "OAUTHBEARER") return problems;
  for (const std::string required : {"sasl_username", "sasl_password"}) {
    if (find_setting(given, required) != nullptr) continue;
    problems.push_back(
        {"sasl_mechanism",
         ticked(*mechanism) + " needs " + ticked(required) +
             (required == "sasl_password" ? "; write such as `sasl_password: ${KAFKA_PASSWORD}`"
                                          : "")});
  }
  return problems;
}

}  // namespace

constinit const source_kind kafka_kind{
    .name = "kafka",
    .unit = position_unit::messages,
    .form = source_form::settings,
    .example = "kafka: { bootstrap_server: \"localhost:9092\", topic: transactions }",
    .settings = kafka_settings,
    .arguments = &arguments,
    .check = check_protocol,
};

result<kafka_start> parse_kafka_start(std::string_view text) {
  using from = kafka_start::from;
  if (text == "earliest") return kafka_start{from::earliest, {}};
  if (text == "latest") return kafka_start{from::latest, {}};
  const result<timestamp> time = parse_time(text);
  if (time.ok()) return kafka_start{from::time, *time};
  return failure{errc::invalid,
                 "`start` is `earliest`, `latest` or a time such as "
                 "`2026-03-01T12:00:00Z`, not " +
                     ticked(text)};
}

}  // namespace windrow::schema
