#include "benchmarks/kafka_topic.hpp"

#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

extern char** environ;

namespace windrow::bench {

namespace {

struct deleter {
  void operator()(rd_kafka_t* client) const { rd_kafka_destroy(client); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
template <class T>
using pointer = std::unique_ptr<T, deleter>;

using properties = std::vector<std::pair<const char*, std::string>>;

result<pointer<rd_kafka_t>> client(rd_kafka_type_t type, const properties& given) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512] = "";
  for (const auto& [name, value] : given) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK)
      return failure{errc::invalid, text};
  }
  rd_kafka_t* made = rd_kafka_new(type, conf, text, sizeof text);
  if (made == nullptr) return failure{errc::io, text};
  return pointer<rd_kafka_t>(made);
}

failure kafka_failure(rd_kafka_resp_err_t error) {
  return {errc::io, std::string("Kafka: ") + rd_kafka_err2str(error)};
}

}  // namespace

result<kafka_broker> kafka_broker::start(const std::string& folder) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    return failure{errc::io, "cannot make a pipe"};
  std::vector<std::string> words{"python3", KAFKA_BROKER, folder, "1024"};
  std::vector<char*> arguments;
  for (std::string& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::setenv("KAFKA_TOOL", KAFKA_TOOL, 1);
  pid_t id = 0;
  const int error = posix_spawnp(&id, "python3", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  if (error != 0) return failure{errc::io, "cannot start python3"};
  std::FILE* lines = fdopen(out[0], "r");
  char line[1024] = "";
  const bool said = std::fgets(line, sizeof line, lines) != nullptr;
  std::fclose(lines);
  // {"PLAINTEXT": "127.0.0.1:12345", ...}
  const std::string text = line;
  const std::string before = "\"PLAINTEXT\": \"";
  const auto at = text.find(before);
  kafka_broker broker(id, in[1], "");
  if (!said || at == text.npos) {
    return failure{errc::io, "no broker: " + text + "; run ./setup.sh --tests"};
  }
  broker.address_ =
      text.substr(at + before.size(), text.find('"', at + before.size()) - at - before.size());
  return broker;
}

kafka_broker::kafka_broker(kafka_broker&& other) noexcept
    : id_(std::exchange(other.id_, 0)),
      hold_(std::exchange(other.hold_, -1)),
      address_(std::move(other.address_)) {}

kafka_broker::~kafka_broker() {
  if (id_ == 0) return;
  ::close(hold_);
  ::waitpid(id_, nullptr, 0);
}

result<void> produce_lines(const std::string& address, const std::string& topic, int partitions,
                           std::string_view text) {
  auto admin = client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", address},
                                          {"linger.ms", "20"},
                                          {"batch.size", "262144"},
                                          {"queue.buffering.max.messages", "200000"},
                                          {"enable.idempotence", "true"}});
  if (!admin) return admin.error();
  char why[512];
  rd_kafka_NewTopic_t* made = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, why, sizeof why);
  {
    const pointer<rd_kafka_queue_t> queue(rd_kafka_queue_new(admin->get()));
    rd_kafka_CreateTopics(admin->get(), &made, 1, nullptr, queue.get());
    rd_kafka_NewTopic_destroy(made);
    rd_kafka_event_t* answer = rd_kafka_queue_poll(queue.get(), 30'000);
    if (answer == nullptr) return failure{errc::io, "the topic was not made"};
    rd_kafka_event_destroy(answer);
  }
  const pointer<rd_kafka_topic_t> handle(rd_kafka_topic_new(admin->get(), topic.c_str(), nullptr));
  std::int32_t partition = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    // The text stays where it is until all is delivered: nothing is copied.
    if (rd_kafka_produce(handle.get(), partition, 0, const_cast<char*>(text.data()), end, nullptr,
                         0, nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return kafka_failure(rd_kafka_last_error());
      rd_kafka_poll(admin->get(), 10);
      continue;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    partition = (partition + 1) % partitions;
  }
  const auto flushed = rd_kafka_flush(admin->get(), 120'000);
  return flushed == RD_KAFKA_RESP_ERR_NO_ERROR ? result<void>{} : kafka_failure(flushed);
}

result<counted_topic> count_messages(const std::string& address, const std::string& topic,
                                     int partitions, std::uint64_t messages) {
  auto consumer = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", address},
                                             {"group.id", "bench"},
                                             {"enable.auto.commit", "false"},
                                             {"enable.auto.offset.store", "false"}});
  if (!consumer) return consumer.error();
  rd_kafka_poll_set_consumer(consumer->get());
  auto* list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; ++p)
    rd_kafka_topic_partition_list_add(list, topic.c_str(), p)->offset = 0;
  const auto assigned = rd_kafka_assign(consumer->get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  if (assigned != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_failure(assigned);
  const pointer<rd_kafka_queue_t> queue(rd_kafka_queue_get_consumer(consumer->get()));
  counted_topic counted;
  std::vector<rd_kafka_message_t*> batch(10'000);
  while (counted.messages < messages) {
    const auto got = rd_kafka_consume_batch_queue(queue.get(), 100, batch.data(), batch.size());
    for (ssize_t i = 0; i < got; ++i) {
      rd_kafka_message_t* m = batch[static_cast<std::size_t>(i)];
      if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++counted.messages;
        counted.bytes += m->len;
      }
      rd_kafka_message_destroy(m);
    }
  }
  return counted;
}

}  // namespace windrow::bench
