#include "node/journal_input.hpp"

#include <utility>

#include "base/low_latency_thread.hpp"
#include "sources/partition_name.hpp"
#include "storage/journal/message_list.hpp"

namespace windrow::node {

namespace {

constexpr std::size_t run_bytes = 1 << 20;

}  // namespace

// ---- the journal -------------------------------------------------------------------------------

void journal_notifier::notify() {
  std::lock_guard lock(mutex_);
  notified_ = true;
  changed_.notify_all();
}

bool journal_notifier::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return notified_; });
  return std::exchange(notified_, false);
}

std::string stream_tag(std::string_view stream) { return "stream:" + std::string(stream); }
std::string source_tag(std::string_view source) { return "source:" + std::string(source); }

/// The messages of a run.
struct journal_input::gathered {
  std::vector<std::pair<storage::sequence, std::string_view>> messages;
  std::optional<formats::run_envelopes> envelopes;  ///< where they are dead letters that had one
  storage::sequence last = 0;
};

/// A step without its run yet: whose streams read the entry.
result<sources::source_step> journal_input::choose(const storage::push& entry) const {
  sources::source_step step{sources::source_step::kind::run};
  for (std::size_t i = 0; i < plan_->streams.size(); ++i) {
    if (stream_tag(plan_->streams[i].name) == entry.stream) step.stream = static_cast<int>(i);
  }
  for (std::size_t i = 0; i < plan_->sources.size(); ++i) {
    if (source_tag(plan_->sources[i].name) == entry.stream) step.source = static_cast<int>(i);
  }
  if (step.stream == schema::none && step.source == schema::none)
    return failure{errc::corrupt,
                   "the journal holds messages for " + entry.stream + ", which is not declared"};
  if (entry.media_type == storage::default_media_type) return step;
  return failure{errc::mismatch, "the journal holds messages for " + entry.stream +
                                     " of the media type " + entry.media_type +
                                     ", which this program does not read"};
}

result<sources::source_step> journal_input::next() {
  // Whoever pushed waits to see it. The thread is this input's.
  thread_local const low_latency_thread soon;
  const storage::sequence from = std::max<storage::sequence>(position_ >> entry_bits, 1);
  bool notified = true;
  while (journal_.entries().last() < from && notified) notified = notifier_->wait();
  if (journal_.entries().last() < from)
    return sources::source_step{sources::source_step::kind::nothing};
  auto entries = journal_.entries().read(from, run_bytes);
  if (!entries) return entries.error();
  const storage::push& first = entries->front().what;
  auto step = choose(first);
  if (!step) return step;
  gathered run;
  for (const storage::journal_entry& e : *entries) {
    // A run has one arrival and one choice of streams.
    if (e.what.stream != first.stream || e.what.arrival != first.arrival ||
        e.what.media_type != first.media_type)
      break;
    auto more = gather(e, run);
    if (!more) return more.error();
    if (!*more) break;
  }
  step->run = formats::make_run(partition_, position_, run.last, {first.arrival}, run.messages,
                                std::move(run.envelopes));
  position_ = run.last;
  return step;
}

// Takes the messages of an entry that are not applied yet; false if the run ends. Dead letters
// that come with their envelopes are a run of their own.
result<bool> journal_input::gather(const storage::journal_entry& entry, gathered& into) const {
  storage::message_list_reader in(entry.what.payload);
  const bool first = into.last == 0;
  storage::sequence at = entry.at << entry_bits;
  std::optional<bool> timed;  // all of an entry's messages are, or none
  bool whole = true;
  for (storage::listed_message m; whole && in.next(m);) {
    if (!timed) timed = m.time.has_value();
    whole = *timed == m.time.has_value();
    if (!whole) continue;
    if (*timed && !first) return false;
    if (++at <= position_) continue;
    into.messages.emplace_back(at, m.bytes);
    if (!*timed) continue;
    if (!into.envelopes) into.envelopes.emplace();
    into.envelopes->times.push_back({*m.time});
    into.envelopes->keys.push_back(m.key);
    into.envelopes->headers.push_back(m.headers);
  }
  if (!whole || !in.ok())
    return failure{errc::corrupt, "entry " + std::to_string(entry.at) +
                                      " of the journal does not hold the messages it should"};
  into.last = after_entry(entry.at);
  return !timed.value_or(false);
}

}  // namespace windrow::node
