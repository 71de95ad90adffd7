#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "sources/kafka_config.hpp"
#include "sources/kafka_source.hpp"
#include "windrow/result.hpp"

/// librdkafka's handles, kept to what a source needs. Only for `sources/kafka_*.cpp`.
namespace windrow::sources {

struct kafka_deleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  void operator()(rd_kafka_t* client) const {
    // There is no group to leave, and leaving one has been seen to hang.
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }
};
template <class T>
using kafka_pointer = std::unique_ptr<T, kafka_deleter>;

/// What is to be done about one of librdkafka's errors.
enum class kafka_reaction : std::uint8_t {
  wait,     ///< it passes: the library tries again, for ever
  look,     ///< the topic may be gone: ask for its metadata
  refused,  ///< credentials or certificates: wait if they have worked before, else stop
  stop,     ///< it does not pass by itself
};
kafka_reaction reaction_to(rd_kafka_resp_err_t error) noexcept;

/// How the connection is, told by librdkafka's threads and by whoever reads. Thread-safe.
class kafka_health {
public:
  /// The broker has answered.
  void good();
  void bad(rd_kafka_resp_err_t error, const std::string& text);
  kafka_connection state() const;
  /// Why nothing will come of it: the broker has refused us from the start, or the library has
  /// given up. Nothing while there is hope.
  std::optional<failure> hopeless() const;
  /// Why reading must end, from now on.
  void give_up(const failure& why);

private:
  static constexpr int refusals_max = 3;
  mutable std::mutex mutex_;
  bool connected_ = false;
  bool was_connected_ = false;
  int refusals_ = 0;
  std::string text_;
  std::optional<failure> hopeless_;
};

using kafka_properties = std::vector<std::pair<std::string, std::string>>;

/// A configuration of defaults, the source's properties, and ours, which have the last word.
/// `invalid` names the declared property that librdkafka does not take, never its value.
result<kafka_pointer<rd_kafka_conf_t>> kafka_conf(const kafka_config& config,
                                                  const kafka_properties& defaults,
                                                  const kafka_properties& ours);

/// Makes a client of it. `health` outlives the client.
result<kafka_pointer<rd_kafka_t>> kafka_client(rd_kafka_type_t type,
                                               kafka_pointer<rd_kafka_conf_t> conf,
                                               const kafka_config& config, kafka_health& health);

std::string kafka_text(rd_kafka_resp_err_t error);

}  // namespace windrow::sources
