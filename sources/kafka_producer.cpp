#include "sources/kafka_producer.hpp"

#include <algorithm>

#include "sources/kafka_client.hpp"

namespace windrow::sources {

namespace {

class topic_producer final : public kafka_producer {
public:
  topic_producer(kafka_config config, std::string topic)
      : config_(std::move(config)), topic_(std::move(topic)) {}

  result<void> connect();
  result<bool> send(const outgoing_message& message) override;
  result<bool> wait(int timeout_ms) override;
  std::string trouble() const override { return health_.state().trouble; }

private:
  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  failure lost(const std::string& why) const {
    return {errc::closed, "the dead letter topic `" + topic_ + "` of the source `" +
                              config_.source + "`: " + why};
  }

  const kafka_config config_;
  const std::string topic_;
  kafka_health health_;
  std::string undelivered_;  ///< why a message was given up; set by `delivered`, on our thread
  kafka_pointer<rd_kafka_t> client_;
};

void topic_producer::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto& self = *static_cast<topic_producer*>(message->_private);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
    self.health_.good();
  else if (self.undelivered_.empty())
    self.undelivered_ = kafka_text(message->err);
}

result<void> topic_producer::connect() {
  auto conf = kafka_conf(config_,
                         {{"client.id", "windrow"},
                          {"reconnect.backoff.max.ms", "2000"},
                          {"linger.ms", "20"},
                          {"queue.buffering.max.kbytes", "16384"}},
                         {{"enable.idempotence", "true"},
                          {"acks", "all"},
                          {"message.timeout.ms", "0"},  // as long as it takes
                          {"allow.auto.create.topics", "false"}});
  if (!conf) return conf.error();
  rd_kafka_conf_set_dr_msg_cb(conf->get(), &topic_producer::delivered);
  auto made = kafka_client(RD_KAFKA_PRODUCER, std::move(*conf), config_, health_);
  if (!made) return made.error();
  client_ = std::move(*made);
  return {};
}

result<bool> topic_producer::send(const outgoing_message& message) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
  for (const auto& [name, value] : message.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  const std::string_view key = message.key.value_or("");
  const void* const key_bytes = message.key ? key.data() : nullptr;
  const auto error = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(key_bytes, key.size()),
      RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
      RD_KAFKA_V_TIMESTAMP(std::max<std::int64_t>(message.time / 1000, 0)),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(this), RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  rd_kafka_headers_destroy(headers);
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
  return lost(kafka_text(error));
}

result<bool> topic_producer::wait(int timeout_ms) {
  const auto error = rd_kafka_flush(client_.get(), timeout_ms);
  if (!undelivered_.empty()) return lost(undelivered_);
  char text[512];
  if (rd_kafka_fatal_error(client_.get(), text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return lost(text);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace

result<std::unique_ptr<kafka_producer>> kafka_producer::open(const kafka_config& config,
                                                             const std::string& topic) {
  auto made = std::make_unique<topic_producer>(config, topic);
  if (auto connected = made->connect(); !connected) return connected.error();
  return std::unique_ptr<kafka_producer>(std::move(made));
}

}  // namespace windrow::sources
