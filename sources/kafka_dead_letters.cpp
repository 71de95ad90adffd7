#include "sources/kafka_dead_letters.hpp"

namespace windrow::sources {

namespace {

constexpr std::size_t dead_letters_at_once = 256;

std::vector<std::pair<std::string, std::string>> headers_of(const sources::kafka_config& config,
                                                            int partition,
                                                            const storage::dead_letter& letter) {
  const std::string number = std::to_string(partition), offset = std::to_string(letter.at - 1);
  std::vector<std::pair<std::string, std::string>> headers{
      {"id", config.topic + "/" + number + "/" + offset + "/" + letter.stream},
      {"reason", letter.reason},
      {"phase", letter.phase},
      {"message", letter.message},
      {"source", config.source},
      {"topic", config.topic},
      {"partition", number},
      {"offset", offset},
      {"stream", letter.stream},
      {"timestamp", std::to_string(letter.arrival / 1000)}};
  if (letter.total_bytes > letter.bytes.size())
    headers.emplace_back("total_bytes", std::to_string(letter.total_bytes));
  return headers;
}

}  // namespace

result<storage::sequence> kafka_dead_letters::produce(const stretch& what, int timeout_ms) {
  if (!in_flight_) {
    if (auto handed = hand_over(what, timeout_ms); !handed || !in_flight_) return handed;
  }
  if (!delivered(timeout_ms)) return what.after;
  const in_flight done = *in_flight_;
  in_flight_.reset();
  return done.partition == what.partition ? std::max(done.through, what.after) : what.after;
}

/// Gives the next letters to the producer; without any, all of the stretch is done.
result<storage::sequence> kafka_dead_letters::hand_over(const stretch& what, int timeout_ms) {
  storage::dead_letter_filter filter;
  filter.partitions = {what.partition};
  filter.after = what.after;
  filter.limit = dead_letters_at_once;
  auto dead_letters = journal_.dead_letters().list(filter);
  if (!dead_letters) return dead_letters.error();
  const bool more = dead_letters->size() == dead_letters_at_once;
  // Letters of one message may continue beyond what was read: it is begun again.
  storage::sequence through = what.through;
  if (more && dead_letters->back().at <= through) through = dead_letters->back().at - 1;
  if (through <= what.after) through = dead_letters->back().at;
  bool any = false;
  for (const storage::dead_letter& letter : *dead_letters) {
    if (letter.at > through) break;
    if (!producer_) {
      auto opened = sources::kafka_producer::open(config_, config_.dead_letter_topic);
      if (!opened) return give_up(opened.error()), what.after;
      producer_ = std::move(*opened);
    }
    if (!send(what, letter, timeout_ms)) return what.after;
    any = true;
  }
  if (!any) return through;
  in_flight_ = in_flight{what.partition, through};
  return what.after;
}

bool kafka_dead_letters::send(const stretch& what, const storage::dead_letter& letter,
                              int timeout_ms) {
  sources::outgoing_message message;
  if (letter.key) message.key = *letter.key;
  message.value = letter.bytes;
  message.time = letter.arrival;
  message.headers = headers_of(config_, what.number, letter);
  for (int tries = 0; tries < 2; ++tries) {
    const auto sent = producer_->send(message);
    if (!sent) return give_up(sent.error()), false;
    if (*sent) return true;
    if (!delivered(timeout_ms)) break;
  }
  // Begun again from the first one, by a producer that knows nothing of those handed over.
  if (producer_) give_up({errc::closed, producer_->trouble()});
  return false;
}

bool kafka_dead_letters::delivered(int timeout_ms) {
  const auto done = producer_->wait(timeout_ms);
  if (!done) return give_up(done.error()), false;
  trouble_ = *done ? "" : producer_->trouble();
  return *done;
}

void kafka_dead_letters::give_up(const failure& why) {
  trouble_ = why.message;
  producer_.reset();
  in_flight_.reset();
}

}  // namespace windrow::sources
