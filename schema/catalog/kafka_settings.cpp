#include "schema/catalog/kafka_settings.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

constexpr std::array settings{
    kafka_setting{"bootstrap_server", "bootstrap.servers"},
    kafka_setting{"dead_letter_queue_topic", ""},
    kafka_setting{"group_id", "group.id"},
    kafka_setting{"insecure", ""},
    kafka_setting{"sasl_mechanism", "sasl.mechanism"},
    kafka_setting{"sasl_password", "sasl.password", true},
    kafka_setting{"sasl_username", "sasl.username"},
    kafka_setting{"security_protocol", "security.protocol"},
    kafka_setting{"ssl_ca_file", "ssl.ca.location", false, true},
    kafka_setting{"ssl_certificate_file", "ssl.certificate.location", false, true},
    kafka_setting{"ssl_key_file", "ssl.key.location", false, true},
    kafka_setting{"ssl_key_password", "ssl.key.password", true},
    kafka_setting{"start", ""},
    kafka_setting{"topic", ""},
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

}  // namespace

std::span<const kafka_setting> kafka_settings() { return settings; }

std::optional<std::string> refused_kafka_argument(std::string_view name) {
  for (const kafka_setting& s : settings) {
    if (s.property == name && !name.empty()) return "write " + ticked(s.name);
  }
  for (const refused_argument& r : refused) {
    if (covers(r.prefix, name)) return std::string(r.reason);
  }
  if (name.ends_with("_cb")) return "callbacks cannot be declared";
  return std::nullopt;
}

bool is_secret_setting(std::string_view name) {
  for (const kafka_setting& s : settings) {
    if (s.name == name) return s.secret;
  }
  if (!name.starts_with(kafka_argument_prefix)) return false;
  // What is not known is kept secret where it sounds like one.
  constexpr std::array sounds{"password", "secret", "pem", "jaas", "oauthbearer", "token", "key"};
  return std::any_of(sounds.begin(), sounds.end(),
                     [&](std::string_view word) { return name.find(word) != name.npos; });
}

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
