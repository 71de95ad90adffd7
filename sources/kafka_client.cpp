#include "sources/kafka_client.hpp"

#include <array>

namespace windrow::sources {

namespace {

/// librdkafka's log lines say what its errors say, and have no place to go.
void ignore_log(const rd_kafka_t*, int, const char*, const char*) {}

void on_error(rd_kafka_t* client, int error, const char* reason, void* opaque) {
  auto& health = *static_cast<kafka_health*>(opaque);
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512];
    const auto original = rd_kafka_fatal_error(client, text, sizeof text);
    health.bad(code, kafka_text(original) + ": " + text);
    return;
  }
  health.bad(code, reason == nullptr ? kafka_text(code) : reason);
}

}  // namespace

std::string kafka_text(rd_kafka_resp_err_t error) { return rd_kafka_err2str(error); }

kafka_reaction reaction_to(rd_kafka_resp_err_t error) noexcept {
  switch (error) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return kafka_reaction::look;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      return kafka_reaction::refused;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
      return kafka_reaction::stop;
    default:
      return kafka_reaction::wait;
  }
}

// ---- health ------------------------------------------------------------------------------------

void kafka_health::good() {
  const std::lock_guard lock(mutex_);
  connected_ = was_connected_ = true;
  refusals_ = 0;
  text_.clear();
}

void kafka_health::bad(rd_kafka_resp_err_t error, const std::string& text) {
  const std::lock_guard lock(mutex_);
  // That all brokers are down says less than why each of them is.
  if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || text_.empty()) text_ = text;
  const kafka_reaction reaction = reaction_to(error);
  if (reaction != kafka_reaction::look) connected_ = false;
  if (reaction == kafka_reaction::refused) ++refusals_;
  if (reaction == kafka_reaction::stop && !hopeless_) hopeless_ = failure{errc::closed, text_};
  if (was_connected_ || refusals_ < refusals_max || hopeless_) return;
  hopeless_ = failure{errc::closed, "the broker does not let us in: " + text_};
}

kafka_connection kafka_health::state() const {
  const std::lock_guard lock(mutex_);
  return {connected_, text_};
}

std::optional<failure> kafka_health::hopeless() const {
  const std::lock_guard lock(mutex_);
  return hopeless_;
}

void kafka_health::give_up(const failure& why) {
  const std::lock_guard lock(mutex_);
  if (!hopeless_) hopeless_ = why;
}

// ---- clients -----------------------------------------------------------------------------------

result<kafka_pointer<rd_kafka_conf_t>> kafka_conf(const kafka_config& config,
                                                  const kafka_properties& defaults,
                                                  const kafka_properties& ours) {
  kafka_pointer<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  std::array<char, 512> ignored{};  // its messages repeat the value, which may be a password
  const auto set = [&](const auto& property) {
    return rd_kafka_conf_set(conf.get(), property.first.c_str(), property.second.c_str(),
                             ignored.data(), ignored.size());
  };
  for (const auto& property : defaults) static_cast<void>(set(property));
  for (const auto& property : config.properties) {
    const auto answer = set(property);
    if (answer == RD_KAFKA_CONF_OK) continue;
    return failure{errc::invalid,
                   "the source `" + config.source + "`: librdkafka " +
                       (answer == RD_KAFKA_CONF_UNKNOWN ? "has no property `"
                                                        : "does not accept the value of `") +
                       property.first + "`; see its CONFIGURATION.md"};
  }
  for (const auto& property : ours) {
    if (set(property) == RD_KAFKA_CONF_OK) continue;
    return failure{errc::invalid, "the source `" + config.source +
                                      "`: this librdkafka does not take `" + property.first +
                                      "`, which windrow needs; install version 2.0 or later"};
  }
  return conf;
}

result<kafka_pointer<rd_kafka_t>> kafka_client(rd_kafka_type_t type,
                                               kafka_pointer<rd_kafka_conf_t> conf,
                                               const kafka_config& config, kafka_health& health) {
  rd_kafka_conf_set_log_cb(conf.get(), &ignore_log);
  rd_kafka_conf_set_error_cb(conf.get(), &on_error);
  rd_kafka_conf_set_opaque(conf.get(), &health);
  std::array<char, 512> text{};
  rd_kafka_t* made = rd_kafka_new(type, conf.get(), text.data(), text.size());
  if (made == nullptr) {
    return failure{errc::invalid, "the source `" + config.source + "`: " + text.data()};
  }
  static_cast<void>(conf.release());  // the client's now
  return kafka_pointer<rd_kafka_t>(made);
}

}  // namespace windrow::sources
