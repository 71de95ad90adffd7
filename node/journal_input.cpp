#include "node/journal_input.hpp"

#include <utility>

#include "base/low_latency_thread.hpp"
#include "sources/partition_name.hpp"
#include "storage/journal/replayed.hpp"

namespace windrow::node {

namespace {

constexpr std::size_t run_bytes = 1 << 20;

}  // namespace

// ---- the journal -------------------------------------------------------------------------------

void journal_notifier::ring() {
  std::lock_guard lock(mutex_);
  rung_ = true;
  changed_.notify_all();
}

bool journal_notifier::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return rung_; });
  return std::exchange(rung_, false);
}

std::string stream_tag(std::string_view stream) { return "stream:" + std::string(stream); }
std::string source_tag(std::string_view source) { return "source:" + std::string(source); }

result<void> journal_input::choose(std::string_view tag) {
  source_ = stream_ = schema::none;
  if (tag.starts_with(storage::replayed_prefix)) tag.remove_prefix(storage::replayed_prefix.size());
  for (std::size_t i = 0; i < plan_->streams.size(); ++i) {
    if (stream_tag(plan_->streams[i].name) == tag) stream_ = static_cast<int>(i);
  }
  for (std::size_t i = 0; i < plan_->sources.size(); ++i) {
    if (source_tag(plan_->sources[i].name) == tag) source_ = static_cast<int>(i);
  }
  if (stream_ != schema::none || source_ != schema::none) return {};
  return failure{errc::corrupt,
                 "the journal holds messages for " + std::string(tag) + ", which is not declared"};
}

result<sources::source_step> journal_input::next() {
  // Whoever pushed waits to see it. The thread is this input's.
  thread_local const low_latency_thread soon;
  const storage::sequence from = std::max<storage::sequence>(position_ >> entry_bits, 1);
  bool rung = true;
  while (journal_.last() < from && rung) rung = notifier_->wait();
  if (journal_.last() < from)
    return sources::source_step{sources::source_step::kind::nothing, nullptr};
  auto entries = journal_.read(from, run_bytes);
  if (!entries) return entries.error();
  // A run has one arrival and one choice of streams.
  const storage::push& first = entries->front().what;
  if (auto chosen = choose(first.stream); !chosen) return chosen.error();
  if (first.stream.starts_with(storage::replayed_prefix)) return replayed(*entries);
  std::vector<std::pair<storage::sequence, std::string_view>> messages;
  storage::sequence last = position_;
  for (const storage::journal_entry& e : *entries) {
    if (e.what.stream != first.stream || e.what.arrival != first.arrival) break;
    std::string_view rest = e.what.payload;
    for (storage::sequence at = (e.at << entry_bits) + 1; !rest.empty(); ++at) {
      const auto end = std::min(rest.find('\n'), rest.size());
      if (at > position_) messages.emplace_back(at, rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    last = after_entry(e.at);
  }
  auto run = formats::make_run(partition_, position_, last, {first.arrival}, messages);
  position_ = last;
  return sources::source_step{sources::source_step::kind::run, std::move(run)};
}

/// The first entry as a run: dead letters that come with their envelopes.
result<sources::source_step> journal_input::replayed(
    const std::vector<storage::journal_entry>& entries) {
  const storage::journal_entry& e = entries.front();
  const auto letters = storage::read_replayed(e.what.payload);
  if (!letters) {
    return failure{errc::corrupt, "entry " + std::to_string(e.at) +
                                      " of the journal does not hold the messages it should"};
  }
  std::vector<std::pair<storage::sequence, std::string_view>> messages;
  formats::run_envelopes envelopes;
  storage::sequence at = e.at << entry_bits;
  for (const storage::replayed_message& letter : *letters) {
    if (++at <= position_) continue;
    messages.emplace_back(at, letter.bytes);
    envelopes.times.push_back({letter.time});
    envelopes.keys.push_back(letter.key);
    envelopes.headers.push_back(letter.headers);
  }
  auto run = formats::make_run(partition_, position_, after_entry(e.at), {e.what.arrival}, messages,
                               std::move(envelopes));
  position_ = run->last;
  return sources::source_step{sources::source_step::kind::run, std::move(run)};
}

}  // namespace windrow::node
