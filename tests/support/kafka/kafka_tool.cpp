// Speaks to a Kafka broker for tests and shares nothing with the product but the library:
//
//   kafka_tool -b BROKERS [-X property=value]... COMMAND
//
//   ready SECONDS                          waits until the broker answers
//   create TOPIC PARTITIONS [config=value]...
//   delete TOPIC
//   grow TOPIC PARTITIONS                  to that many in total
//   truncate TOPIC PARTITION OFFSET        deletes the records before OFFSET
//   produce TOPIC [commit|abort]           lines of standard input, in one transaction if told so:
//                                          partition TAB time_ms TAB key TAB headers TAB value,
//                                          `-` for none, headers as a=b,c=d, value `\N` for null
//   consume TOPIC                          everything there is, a JSON object a line; bytes in hex
//   watermarks TOPIC                       partition, low and high, a line each
//   committed GROUP TOPIC PARTITIONS       partition and committed offset, a line each
#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int timeout_ms = 30'000;
constexpr int produce_timeout_ms = 150'000;  // longer than a broker is ever gone

[[noreturn]] void die(const std::string& what) {
  std::cerr << "kafka_tool: " << what << "\n";
  std::exit(1);
}

void check(rd_kafka_resp_err_t error, const std::string& what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die(what + ": " + rd_kafka_err2str(error));
}

void check(rd_kafka_error_t* error, const std::string& what) {
  if (error != nullptr) die(what + ": " + rd_kafka_error_string(error));
}

using properties = std::map<std::string, std::string>;

using client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;

client make_client(rd_kafka_type_t type, const properties& given, const properties& more = {}) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512];
  for (const properties* some : {&given, &more}) {
    for (const auto& [name, value] : *some) {
      if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) !=
          RD_KAFKA_CONF_OK) {
        die(text);
      }
    }
  }
  rd_kafka_t* made = rd_kafka_new(type, conf, text, sizeof text);
  if (made == nullptr) die(text);
  return {made, &rd_kafka_destroy};
}

// ---- administration ----------------------------------------------------------------------------

void administer(rd_kafka_t* rk, const std::function<void(rd_kafka_queue_t*)>& ask) {
  rd_kafka_queue_t* queue = rd_kafka_queue_new(rk);
  ask(queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, timeout_ms);
  if (event == nullptr) die("no answer");
  if (rd_kafka_event_error(event)) die(rd_kafka_event_error_string(event));
  std::size_t count = 0;
  const rd_kafka_topic_result_t** topics = nullptr;
  if (const auto* r = rd_kafka_event_CreateTopics_result(event)) {
    topics = rd_kafka_CreateTopics_result_topics(r, &count);
  } else if (const auto* r = rd_kafka_event_DeleteTopics_result(event)) {
    topics = rd_kafka_DeleteTopics_result_topics(r, &count);
  } else if (const auto* r = rd_kafka_event_CreatePartitions_result(event)) {
    topics = rd_kafka_CreatePartitions_result_topics(r, &count);
  } else if (const auto* r = rd_kafka_event_DeleteRecords_result(event)) {
    const auto* offsets = rd_kafka_DeleteRecords_result_offsets(r);
    for (int i = 0; i < offsets->cnt; ++i) check(offsets->elems[i].err, "truncate");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(topics[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      const char* why = rd_kafka_topic_result_error_string(topics[i]);
      die(why != nullptr ? why : rd_kafka_err2str(error));
    }
  }
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
}

void create(rd_kafka_t* rk, const std::string& topic, int partitions,
            const std::vector<std::string>& configs) {
  char text[512];
  rd_kafka_NewTopic_t* made =
      rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, text, sizeof text);
  if (made == nullptr) die(text);
  for (const std::string& c : configs) {
    const auto at = c.find('=');
    check(rd_kafka_NewTopic_set_config(made, c.substr(0, at).c_str(), c.substr(at + 1).c_str()), c);
  }
  administer(rk, [&](auto* queue) { rd_kafka_CreateTopics(rk, &made, 1, nullptr, queue); });
}

void remove(rd_kafka_t* rk, const std::string& topic) {
  rd_kafka_DeleteTopic_t* gone = rd_kafka_DeleteTopic_new(topic.c_str());
  administer(rk, [&](auto* queue) { rd_kafka_DeleteTopics(rk, &gone, 1, nullptr, queue); });
}

void grow(rd_kafka_t* rk, const std::string& topic, int total) {
  char text[512];
  rd_kafka_NewPartitions_t* more =
      rd_kafka_NewPartitions_new(topic.c_str(), static_cast<std::size_t>(total), text, sizeof text);
  if (more == nullptr) die(text);
  administer(rk, [&](auto* queue) { rd_kafka_CreatePartitions(rk, &more, 1, nullptr, queue); });
}

void truncate(rd_kafka_t* rk, const std::string& topic, int partition, std::int64_t offset) {
  auto* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* gone = rd_kafka_DeleteRecords_new(offsets);
  administer(rk, [&](auto* queue) { rd_kafka_DeleteRecords(rk, &gone, 1, nullptr, queue); });
}

int partition_count(rd_kafka_t* rk, const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(rk, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  check(rd_kafka_metadata(rk, 0, handle, &metadata, timeout_ms), topic);
  check(metadata->topics[0].err, topic);
  const int count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  return count;
}

// ---- producing ---------------------------------------------------------------------------------

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (out.size() < 4) {
    const auto tab = line.find('\t', from);
    if (tab == std::string::npos) die("a line without five fields: " + line);
    out.push_back(line.substr(from, tab - from));
    from = tab + 1;
  }
  out.push_back(line.substr(from));
  return out;
}

rd_kafka_headers_t* headers_of(const std::string& text) {
  rd_kafka_headers_t* out = rd_kafka_headers_new(4);
  for (std::size_t from = 0; text != "-" && from < text.size();) {
    const auto end = std::min(text.find(',', from), text.size());
    const auto is = text.find('=', from);
    rd_kafka_header_add(out, text.data() + from, static_cast<ssize_t>(is - from),
                        text.data() + is + 1, static_cast<ssize_t>(end - is - 1));
    from = end + 1;
  }
  return out;
}

int failed_deliveries = 0;
void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  if (failed_deliveries++ == 0) std::cerr << rd_kafka_err2str(message->err) << "\n";
}

void produce_line(rd_kafka_t* rk, const std::string& topic, const std::string& line) {
  const auto fields = fields_of(line);
  const std::int64_t time = fields[1] == "-" ? 0 : std::atoll(fields[1].c_str());
  const bool has_key = fields[2] != "-", null = fields[4] == "\\N";
  while (true) {
    rd_kafka_headers_t* headers = headers_of(fields[3]);
    const auto error = rd_kafka_producev(
        rk, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(std::atoi(fields[0].c_str())),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time),
        RD_KAFKA_V_KEY(has_key ? fields[2].data() : nullptr, has_key ? fields[2].size() : 0),
        RD_KAFKA_V_VALUE(null ? nullptr : const_cast<char*>(fields[4].data()),
                         null ? 0 : fields[4].size()),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    rd_kafka_headers_destroy(headers);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) check(error, topic);
    rd_kafka_poll(rk, 100);
  }
  rd_kafka_poll(rk, 0);
}

void produce(const properties& given, const std::string& topic, const std::string& transaction) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char text[512];
  properties all = given;
  all.emplace("linger.ms", "5");
  all.emplace("enable.idempotence", "true");
  if (!transaction.empty()) all.emplace("transactional.id", "kafka_tool-" + topic);
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text, sizeof text) != 0) die(text);
  }
  rd_kafka_conf_set_dr_msg_cb(conf, &delivered);
  rd_kafka_t* made = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
  if (made == nullptr) die(text);
  const client rk{made, &rd_kafka_destroy};
  if (!transaction.empty()) {
    check(rd_kafka_init_transactions(made, timeout_ms), "init_transactions");
    check(rd_kafka_begin_transaction(made), "begin_transaction");
  }
  std::string line;
  while (std::getline(std::cin, line)) produce_line(made, topic, line);
  check(rd_kafka_flush(made, produce_timeout_ms), "flush");
  if (failed_deliveries > 0) die(std::to_string(failed_deliveries) + " were not delivered");
  if (transaction == "commit") check(rd_kafka_commit_transaction(made, timeout_ms), "commit");
  if (transaction == "abort") check(rd_kafka_abort_transaction(made, timeout_ms), "abort");
}

// ---- consuming ---------------------------------------------------------------------------------

std::string hex(const void* bytes, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) {
    constexpr char digits[] = "0123456789abcdef";
    const unsigned char c = static_cast<const unsigned char*>(bytes)[i];
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

std::string quoted_hex(const void* bytes, std::size_t size) {
  return bytes == nullptr ? "null" : "\"" + hex(bytes, size) + "\"";
}

void print_message(const rd_kafka_message_t& m) {
  rd_kafka_timestamp_type_t kind{};
  std::cout << R"({"partition":)" << m.partition << R"(,"offset":)" << m.offset << R"(,"time":)"
            << rd_kafka_message_timestamp(&m, &kind) << R"(,"key":)" << quoted_hex(m.key, m.key_len)
            << R"(,"value":)" << quoted_hex(m.payload, m.len) << R"(,"headers":{)";
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
      std::cout << (i > 0 ? "," : "") << '"' << name << R"(":)" << quoted_hex(value, size);
    }
  }
  std::cout << "}}\n";
}

void consume(rd_kafka_t* rk, const std::string& topic) {
  rd_kafka_poll_set_consumer(rk);
  auto* list = rd_kafka_topic_partition_list_new(8);
  const int count = partition_count(rk, topic);
  for (int p = 0; p < count; ++p) {
    rd_kafka_topic_partition_list_add(list, topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  check(rd_kafka_assign(rk, list), "assign");
  for (int ended = 0; ended < count;) {
    rd_kafka_message_t* m = rd_kafka_consumer_poll(rk, timeout_ms);
    if (m == nullptr) die("nothing more came, and no end either");
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
      ++ended;
    else if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      die(rd_kafka_message_errstr(m));
    else
      print_message(*m);
    rd_kafka_message_destroy(m);
  }
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_consumer_close(rk);
}

void watermarks(rd_kafka_t* rk, const std::string& topic) {
  const int count = partition_count(rk, topic);
  for (int p = 0; p < count; ++p) {
    std::int64_t low = 0, high = 0;
    check(rd_kafka_query_watermark_offsets(rk, topic.c_str(), p, &low, &high, timeout_ms), topic);
    std::cout << p << ' ' << low << ' ' << high << '\n';
  }
}

void committed(rd_kafka_t* rk, const std::string& topic, int count) {
  auto* list = rd_kafka_topic_partition_list_new(count);
  for (int p = 0; p < count; ++p) rd_kafka_topic_partition_list_add(list, topic.c_str(), p);
  check(rd_kafka_committed(rk, list, timeout_ms), "committed");
  for (int p = 0; p < count; ++p) {
    const auto& e = list->elems[p];
    std::cout << e.partition << ' ' << e.offset << '\n';
  }
  rd_kafka_topic_partition_list_destroy(list);
}

void ready(const properties& given, int seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  properties quiet = given;
  quiet["log_level"] = "0";
  const client rk = make_client(RD_KAFKA_PRODUCER, quiet);
  while (true) {
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto error = rd_kafka_metadata(rk.get(), 0, nullptr, &metadata, 1'000);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const int brokers = metadata->broker_cnt;
      rd_kafka_metadata_destroy(metadata);
      if (brokers > 0) return;
    }
    if (std::chrono::steady_clock::now() > end) die("the broker does not answer");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

int main(int argc, char** argv) {
  properties given;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "-b" && i + 1 < argc) {
      given["bootstrap.servers"] = argv[++i];
    } else if (word == "-X" && i + 1 < argc) {
      const std::string pair = argv[++i];
      const auto at = pair.find('=');
      given[pair.substr(0, at)] = pair.substr(at + 1);
    } else {
      words.push_back(word);
    }
  }
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  const auto number = [&](std::size_t i) { return std::atoi(word(i).c_str()); };
  const std::string command = word(0);
  const auto admin = [&] { return make_client(RD_KAFKA_PRODUCER, given); };
  const auto reader = [&](const std::string& group) {
    return make_client(RD_KAFKA_CONSUMER, given,
                       {{"group.id", group},
                        {"enable.auto.commit", "false"},
                        {"enable.partition.eof", "true"},
                        {"isolation.level", "read_committed"}});
  };
  if (command == "ready")
    ready(given, number(1));
  else if (command == "create")
    create(admin().get(), word(1), number(2), {words.begin() + 3, words.end()});
  else if (command == "delete")
    remove(admin().get(), word(1));
  else if (command == "grow")
    grow(admin().get(), word(1), number(2));
  else if (command == "truncate")
    truncate(admin().get(), word(1), number(2), std::atoll(word(3).c_str()));
  else if (command == "produce")
    produce(given, word(1), word(2));
  else if (command == "consume")
    consume(reader("kafka_tool").get(), word(1));
  else if (command == "watermarks")
    watermarks(admin().get(), word(1));
  else if (command == "committed")
    committed(reader(word(1)).get(), word(2), number(3));
  else
    die("unknown command " + command);
  return 0;
}
