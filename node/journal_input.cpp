#include "node/journal_input.hpp"

#include <chrono>
#include <utility>

#include "base/low_latency_thread.hpp"
#include "sources/partition_name.hpp"
#include "storage/journal/replayed.hpp"

namespace windrow::node {

namespace {

constexpr std::size_t run_bytes = 1 << 20;

}  // namespace

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

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

/// A step without its run yet: whose streams read what is tagged so.
result<sources::source_step> journal_input::choose(std::string_view tag) const {
  sources::source_step step{sources::source_step::kind::run};
  if (tag.starts_with(storage::replayed_prefix)) tag.remove_prefix(storage::replayed_prefix.size());
  for (std::size_t i = 0; i < plan_->streams.size(); ++i) {
    if (stream_tag(plan_->streams[i].name) == tag) step.stream = static_cast<int>(i);
  }
  for (std::size_t i = 0; i < plan_->sources.size(); ++i) {
    if (source_tag(plan_->sources[i].name) == tag) step.source = static_cast<int>(i);
  }
  if (step.stream != schema::none || step.source != schema::none) return step;
  return failure{errc::corrupt,
                 "the journal holds messages for " + std::string(tag) + ", which is not declared"};
}

result<sources::source_step> journal_input::next() {
  // Whoever pushed waits to see it. The thread is this input's.
  thread_local const low_latency_thread soon;
  const storage::sequence from = std::max<storage::sequence>(position_ >> entry_bits, 1);
  bool rung = true;
  while (journal_.last() < from && rung) rung = bell_->wait();
  if (journal_.last() < from) return sources::source_step{sources::source_step::kind::nothing};
  auto entries = journal_.read(from, run_bytes);
  if (!entries) return entries.error();
  // A run has one arrival and one choice of streams.
  const storage::push& first = entries->front().what;
  auto step = choose(first.stream);
  if (!step) return step;
  if (first.stream.starts_with(storage::replayed_prefix)) {
    if (auto taken = replayed(entries->front(), *step); !taken) return taken.error();
    return step;
  }
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
  step->run = formats::make_run(partition_, position_, last, {first.arrival}, messages);
  position_ = last;
  return step;
}

/// The entry as a run: dead letters that come with their envelopes.
result<void> journal_input::replayed(const storage::journal_entry& e, sources::source_step& step) {
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
  step.run = formats::make_run(partition_, position_, after_entry(e.at), {e.what.arrival}, messages,
                               std::move(envelopes));
  position_ = step.run->last;
  return {};
}

}  // namespace windrow::node
