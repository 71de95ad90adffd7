#include "sources/kafka_reader.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace windrow::sources {

namespace {

constexpr std::size_t run_bytes = std::size_t{1} << 20;
constexpr std::size_t run_messages_max = 16'384;
constexpr std::size_t message_bytes_max = std::size_t{10} << 20;  // as a file's line
constexpr std::size_t oversized_head = 1024;
constexpr int wait_ms = 10;
constexpr int broker_wait_ms = 5'000;
/// Looks without a message after which the next one is not taken on trust.
constexpr int silent_looks_max = 8;
constexpr int damaged_reads_max = 3;
/// Messages between the checked record and the position that are read rather than jumped over.
constexpr sequence read_over_max = 10'000;
constexpr std::size_t checks_max = 1'024;

sequence sequence_of(const rd_kafka_message_t& message) {
  return static_cast<sequence>(message.offset) + 1;
}

std::int64_t milliseconds_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t kind{};
  return rd_kafka_message_timestamp(&message, &kind);
}

/// Microseconds; a message without a time is from 1970.
timestamp time_of(const rd_kafka_message_t& message) {
  const std::int64_t millis = std::max<std::int64_t>(milliseconds_of(message), 0);
  std::int64_t micros = 0;
  if (__builtin_mul_overflow(millis, std::int64_t{1'000}, &micros)) micros = INT64_MAX;
  return {micros};
}

bool is_damage(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__BAD_MSG || error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
         error == RD_KAFKA_RESP_ERR__INCONSISTENT || error == RD_KAFKA_RESP_ERR__UNDERFLOW ||
         error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
}

template <class Use>
void each_header(const rd_kafka_message_t& message, Use&& use) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    use(std::string_view(name),
        std::string_view(static_cast<const char*>(value), value == nullptr ? 0 : size));
  }
}

std::string_view keep(std::string_view text, char*& to) {
  if (text.empty()) return {to, 0};
  std::memcpy(to, text.data(), text.size());
  to += text.size();
  return {to - text.size(), text.size()};
}

}  // namespace

std::uint64_t kafka_hash(const rd_kafka_message_t& message) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  const std::int64_t numbers[] = {
      message.offset, milliseconds_of(message),
      message.key == nullptr ? -1 : static_cast<std::int64_t>(message.key_len),
      message.payload == nullptr ? -1 : static_cast<std::int64_t>(message.len)};
  XXH3_64bits_update(state, numbers, sizeof numbers);
  if (message.key_len > 0) XXH3_64bits_update(state, message.key, message.key_len);
  if (message.len > 0) XXH3_64bits_update(state, message.payload, message.len);
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

kafka_partition_reader::kafka_partition_reader(kafka_shared shared,
                                               const kafka_read_options& options)
    : shared_(std::move(shared)),
      options_(options),
      queue_(rd_kafka_queue_get_partition(shared_.consumer, shared_.config->topic.c_str(),
                                          options.number)),
      position_(options.position),
      watch_(shared_.limits),
      newest_(options.check) {
  // Messages of this partition stay in a queue of their own.
  rd_kafka_queue_forward(queue_.get(), nullptr);
}

kafka_partition_reader::~kafka_partition_reader() { close(); }

void kafka_partition_reader::close() {
  const std::lock_guard lock(reading_);
  if (std::exchange(closed_, true)) return;
  forget_waiting();
  unassign();
}

std::string kafka_partition_reader::where() const {
  return "the topic `" + shared_.config->topic + "`, partition " + std::to_string(options_.number);
}

failure kafka_partition_reader::stop(errc code, const std::string& what) const {
  const failure why{code, what};
  shared_.health->give_up(why);
  return why;
}

failure kafka_partition_reader::other_topic(const std::string& what) const {
  return stop(errc::mismatch,
              where() + ", " + what +
                  ": it was deleted and made again, or cut off. What has been read of the former "
                  "one stays counted. To read the topic as a new one, from its beginning, run: " +
                  shared_.config->reset_command);
}

result<source_step> kafka_partition_reader::next() {
  const std::lock_guard lock(reading_);
  return closed_ ? source_step{} : look();
}

result<source_step> kafka_partition_reader::look() {
  using kind = source_step::kind;
  rd_kafka_poll(shared_.consumer, 0);
  // What the consumer itself has to say; messages go to the partition's own queue.
  message other(rd_kafka_consumer_poll(shared_.consumer, 0));
  if (other && other->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
      reaction_to(other->err) != kafka_reaction::stop) {
    shared_.health->bad(other->err, rd_kafka_message_errstr(other.get()));
  }
  if (auto why = shared_.health->hopeless()) return *why;
  if (state_ == state::seeking) seek();
  if (auto done = gather(); !done) return done.error();
  if (state_ == state::reading) {
    if (auto run = take_run()) return source_step{kind::run, std::move(run)};
    if (options_.end && position_ >= *options_.end) return source_step{kind::end};
  }
  return source_step{kind::nothing};
}

// ---- where to read -----------------------------------------------------------------------------

void kafka_partition_reader::seek() {
  const sequence from = newest_ ? newest_->at - 1 : position_.load();
  if (!go_to(from)) return;
  state_ = newest_ ? state::checking : state::reading;
  handed_on_ = false;
  silent_looks_ = 0;
}

bool kafka_partition_reader::go_to(sequence offset) {
  // Not by seeking, after which nothing comes where the connection was lost in between.
  unassign();
  forget_waiting();
  kafka_pointer<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), shared_.config->topic.c_str(), options_.number)
      ->offset = static_cast<std::int64_t>(offset);
  if (rd_kafka_error_t* error = rd_kafka_incremental_assign(shared_.consumer, list.get())) {
    shared_.health->bad(rd_kafka_error_code(error), rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
  }
  assigned_ = true;
  return true;
}

void kafka_partition_reader::unassign() {
  if (!std::exchange(assigned_, false)) return;
  kafka_pointer<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), shared_.config->topic.c_str(), options_.number);
  if (rd_kafka_error_t* error = rd_kafka_incremental_unassign(shared_.consumer, list.get()))
    rd_kafka_error_destroy(error);
}

/// Begins again at the record known last: what is in between is compared or dropped.
void kafka_partition_reader::disturbed() {
  forget_waiting();
  state_ = state::seeking;
}

// ---- what comes --------------------------------------------------------------------------------

bool kafka_partition_reader::receive(bool patient) {
  if (next_ < count_) return true;
  next_ = count_ = 0;
  const ssize_t got =
      rd_kafka_consume_batch_queue(queue_.get(), 0, waiting_.data(), waiting_.size());
  if (got > 0) {
    count_ = static_cast<std::size_t>(got);
  } else if (patient) {
    waiting_[0] = rd_kafka_consume_queue(queue_.get(), wait_ms);
    count_ = waiting_[0] == nullptr ? 0 : 1;
  }
  return count_ > 0;
}

void kafka_partition_reader::pop() { last_.reset(waiting_[next_++]); }

void kafka_partition_reader::forget_waiting() {
  while (next_ < count_) pop();
  last_.reset();
  run_.reset();
  gathered_ = 0;
}

/// A client whose queues are full stops fetching, and then looks at them once a second only
/// (librdkafka before 2.2, and by default after it). Any request to the partition's broker makes it
/// look, so one is sent where a queue that was full has been emptied.
void kafka_partition_reader::keep_fetching() {
  if (watch_.wants_wake(rd_kafka_queue_length(queue_.get()))) shared_.waker->wake(options_.number);
}

result<void> kafka_partition_reader::gather() {
  keep_fetching();
  for (bool patient = true; receive(patient); patient = false) {
    if (waiting_[next_]->err == RD_KAFKA_RESP_ERR_NO_ERROR) shared_.health->good();
    while (next_ < count_) {
      const auto more = gather_one(*waiting_[next_]);
      if (!more) return more.error();
      if (!*more) return {};
    }
  }
  if (gathered_ == 0 && state_ == state::reading) ++silent_looks_;
  return {};
}

result<bool> kafka_partition_reader::gather_one(const rd_kafka_message_t& first) {
  if (first.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (gathered_ > 0) return false;  // handed on before it
    const message unusual(waiting_[next_++]);
    const bool is_end = unusual->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (auto done = is_end ? on_end(*unusual) : on_error(*unusual); !done) return done.error();
    return is_end && gap_end_ <= position_;
  }
  if (state_ == state::checking && sequence_of(first) >= newest_->at) {
    if (auto done = compare(first); !done) return done.error();
    return true;  // what was waiting may have gone
  }
  const sequence before = gathered_ > 0 ? sequence_of(*last_) : position_.load();
  if (state_ != state::reading || sequence_of(first) <= before) {
    rd_kafka_message_destroy(waiting_[next_++]);
    return true;
  }
  if (handed_on_ && newest_ && silent_looks_ >= silent_looks_max) {
    disturbed();
    silent_looks_ = 0;
    return false;
  }
  silent_looks_ = 0;
  if (!add(first)) return false;
  pop();
  return !full();
}

result<void> kafka_partition_reader::compare(const rd_kafka_message_t& first) {
  state_ = state::reading;
  // Beyond it, the record was compacted away: nothing to compare.
  if (sequence_of(first) == newest_->at && kafka_hash(first) != newest_->hash) {
    return other_topic("has another record at offset " + std::to_string(first.offset) +
                       " than when it was read");
  }
  // What lies between is read over, unless it is much or may be what is damaged.
  const bool jumps = position_ < newest_->at || position_ - newest_->at > read_over_max ||
                     (damaged_reads_ > 0 && position_ != newest_->at);
  if (jumps && !go_to(position_)) disturbed();
  return {};
}

result<void> kafka_partition_reader::on_end(const rd_kafka_message_t& end) {
  shared_.health->good();
  const auto at = static_cast<sequence>(end.offset);
  const sequence read = std::max<sequence>(position_, newest_ ? newest_->at : 0);
  if (at < read) {
    return other_topic("ends at offset " + std::to_string(at) + ", and " + std::to_string(read) +
                       " have been read");
  }
  if (state_ == state::checking && position_ < newest_->at) {
    state_ = state::reading;
    if (!go_to(position_)) disturbed();
    return {};
  }
  gap_end_ = at;
  state_ = state::reading;
  return {};
}

result<void> kafka_partition_reader::on_error(const rd_kafka_message_t& error) {
  disturbed();
  if (error.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
      error.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    return on_out_of_range();
  }
  const std::string text = rd_kafka_message_errstr(&error);
  if (is_damage(error.err)) {
    if (++damaged_reads_ < damaged_reads_max) return {};
    return stop(errc::corrupt,
                where() + ", is damaged after offset " + std::to_string(position_) + ": " + text +
                    ". To go on after the damage, run: " + shared_.config->seek_command +
                    " --partition " + std::to_string(options_.number) + " --to OFFSET");
  }
  shared_.health->bad(error.err, where() + ": " + text);
  switch (reaction_to(error.err)) {
    case kafka_reaction::stop:
      return stop(errc::closed, where() + ", cannot be read: " + text);
    case kafka_reaction::look:  // whether the topic is gone, `partition_count` tells
    case kafka_reaction::refused:
    case kafka_reaction::wait:
      return {};
  }
  return {};
}

result<void> kafka_partition_reader::on_out_of_range() {
  const auto range = shared_.source->range(options_.number, broker_wait_ms);
  if (!range) return range.error();
  if (!*range) return {};
  const auto [low, high] = **range;
  if (position_ > high) {
    return other_topic("ends at offset " + std::to_string(high) + ", and " +
                       std::to_string(position_) + " have been read");
  }
  if (position_ < low) {
    return stop(errc::mismatch,
                where() + ", is to be read from offset " + std::to_string(position_) +
                    ", but begins at " + std::to_string(low) + ": the broker has deleted " +
                    std::to_string(low - position_) +
                    " messages before they were read. To go on without them, run: " +
                    shared_.config->seek_command + " --partition " +
                    std::to_string(options_.number) + " --to " + std::to_string(low));
  }
  // Deleted since it was read; what comes next is there. Where it is not, the error was of what
  // librdkafka took for an offset in a damaged batch.
  if (newest_ && newest_->at <= low) newest_.reset();
  return {};
}

// ---- runs --------------------------------------------------------------------------------------

bool kafka_partition_reader::full() const noexcept {
  return gathered_ == run_messages_max || run_->true_size > 0 ||
         to_ >= run_->buffer.data.get() + run_bytes;
}

bool kafka_partition_reader::add(const rd_kafka_message_t& from) {
  const bool oversized = from.len >= message_bytes_max;
  const std::size_t kept = oversized ? oversized_head : from.len;
  std::size_t bytes = kept + from.key_len;
  if (options_.headers) {
    each_header(from, [&](std::string_view name, std::string_view value) {
      bytes += name.size() + value.size();
    });
  }
  if (gathered_ == 0) {
    run_ = shared_.pool->take(bytes);
    to_ = run_->buffer.data.get();
    run_->arrival = time_of(from);
  } else if (oversized || bytes > run_->buffer.capacity -
                                      static_cast<std::size_t>(to_ - run_->buffer.data.get())) {
    return false;
  }
  ++gathered_;
  if (from.payload == nullptr) return ++tombstones_, true;
  const std::string_view text = keep({static_cast<const char*>(from.payload), kept}, to_);
  run_->messages.push_back(
      {text.data(), static_cast<std::uint32_t>(kept), oversized, sequence_of(from)});
  if (oversized) run_->true_size = from.len;
  add_envelope(from, *run_);
  return true;
}

void kafka_partition_reader::add_envelope(const rd_kafka_message_t& from,
                                          formats::message_run& run) {
  formats::run_envelopes& to = run.envelopes;
  to.times.push_back(time_of(from));
  if (from.key != nullptr || !to.keys.empty()) {
    to.keys.resize(run.messages.size());
    if (from.key != nullptr) {
      to.keys.back() = keep({static_cast<const char*>(from.key), from.key_len}, to_);
    }
  }
  if (!options_.headers) return;
  formats::message_headers& headers = to.headers.emplace_back();
  each_header(from, [&](std::string_view name, std::string_view value) {
    const std::string_view kept_name = keep(name, to_);
    headers.emplace_back(kept_name, keep(value, to_));
  });
}

formats::message_run_ptr kafka_partition_reader::take_run() {
  if (gathered_ == 0 && gap_end_ <= position_) return nullptr;
  auto run = gathered_ > 0 ? std::move(run_) : shared_.pool->take(0);
  run->partition = options_.partition;
  run->after = position_;
  if (gathered_ == 0) {
    run->last = gap_end_;
    run->arrival = {};
  } else {
    std::memset(to_, 0, formats::buffer_padding);
    run->last = sequence_of(*last_);
    watch_.taken(gathered_, static_cast<std::size_t>(to_ - run->buffer.data.get()));
    remember(*last_);
    last_.reset();
    gathered_ = 0;
    handed_on_ = true;
    damaged_reads_ = 0;
  }
  position_ = run->last;
  return shared_.pool->share(std::move(run));
}

void kafka_partition_reader::remember(const rd_kafka_message_t& last) {
  newest_ = record_fingerprint{sequence_of(last), kafka_hash(last)};
  const std::lock_guard lock(mutex_);
  checks_.push_back(*newest_);
  if (checks_.size() < checks_max) return;
  // Every other one: what is lost is only how near to a position a check can be found.
  std::deque<record_fingerprint> kept;
  for (std::size_t i = 0; i < checks_.size(); i += 2) kept.push_back(checks_[i]);
  checks_ = std::move(kept);
}

std::optional<record_fingerprint> kafka_partition_reader::check_at(sequence through) {
  const std::lock_guard lock(mutex_);
  while (checks_.size() > 1 && checks_[1].at <= through) checks_.pop_front();
  if (checks_.empty() || checks_.front().at > through) return std::nullopt;
  return checks_.front();
}

}  // namespace windrow::sources
