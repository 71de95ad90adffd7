#include "cluster/inputs.hpp"

#include <unistd.h>

#include <chrono>

#include "sources/stream_source.hpp"
#include "storage/planted.hpp"

namespace windrow::cluster {

namespace {

constexpr std::size_t run_bytes = 1 << 20;
constexpr std::uint64_t entries_behind_max = 64;

std::string line_end_name(storage::partition_id partition, storage::sequence at) {
  return "line end " + std::to_string(partition) + " " + std::to_string(at);
}

// As a shell takes it.
std::string quoted(const std::string& word) {
  const bool plain = word.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") ==
                     std::string::npos;
  if (plain && !word.empty()) return word;
  std::string out = "'";
  for (const char c : word) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

class file_input final : public actors::input {
public:
  file_input(std::unique_ptr<sources::file_source> file, int source)
      : file_(std::move(file)), source_(source) {}
  result<sources::source_step> next() override { return file_->next(); }
  int source() const noexcept override { return source_; }
  int stream() const noexcept override { return schema::none; }

private:
  std::unique_ptr<sources::file_source> file_;
  int source_;
};

}  // namespace

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

result<sources::arrival_note> journal_arrivals::note(storage::partition_id partition,
                                                     storage::sequence from, storage::sequence to) {
  auto ranges = journal_.arrivals(partition, from, to);
  if (!ranges) return ranges.error();
  if (storage::planted(storage::plant::replay_by_the_clock) && !ranges->empty())
    return sources::arrival_note{{wall_clock()}, std::min(ranges->front().to, to), false};
  const bool covered = !ranges->empty() && ranges->front().from <= from;
  storage::arrival_range range{from, to, wall_clock()};
  if (covered) {
    range = ranges->front();
    range.to = std::min(range.to, to);
  } else {
    if (!ranges->empty()) range.to = ranges->front().from;
    if (auto noted = journal_.note_arrival(partition, range); !noted) return noted.error();
  }
  auto counters = journal_.counters();
  if (!counters) return counters.error();
  return sources::arrival_note{
      {range.arrival}, range.to, counters->count(line_end_name(partition, range.to)) != 0};
}

result<void> journal_arrivals::end_line(storage::partition_id partition, storage::sequence at) {
  const std::pair<std::string, std::uint64_t> mark{line_end_name(partition, at), 1};
  return journal_.set_counters({&mark, 1});
}

result<opened_file> open_file(
    const file_request& request, storage::journal& journal, sources::arrival_notes& notes,
    const std::function<storage::sequence(storage::partition_id)>& position_of) {
  opened_file opened;
  // A file read before is known by its path; whether it is still the same one, the source checks.
  std::optional<sources::file_identity> identity;
  std::string reader;
  for (const storage::partition& p : journal.partitions()) {
    if (p.kind != storage::partition_kind::file) continue;
    auto known = sources::parse_file_partition_name(p.name);
    if (known && known->path == request.path) {
      identity = *known;
      opened.partition = p.id;
      reader = p.state;
    }
  }
  if (!identity) {
    auto now = sources::identify(request.path);
    if (!now) return now.error();
    if (!*now) return opened;
    identity = **now;
    auto registered = journal.register_partition(storage::partition_kind::file,
                                                 sources::partition_name(*identity), "");
    if (!registered) return registered.error();
    opened.partition = registered->id;
    reader = registered->state;
  }
  // Two readers of one position would each skip what the other has read.
  if (!reader.empty() && reader != request.source_name) {
    return failure{errc::invalid,
                   "the file " + request.path + " has been read for the source `" + reader +
                       "`, and a folder keeps one position in a file; let the streams of `" +
                       request.source_name + "` read `" + reader + "`, or give `" +
                       request.source_name + "` a copy of the file"};
  }
  if (auto kept = journal.set_partition_state(opened.partition, request.source_name); !kept)
    return kept.error();
  opened.position = position_of(opened.partition);
  sources::file_source_options options;
  options.identity = *identity;
  options.partition = opened.partition;
  options.position = opened.position;
  options.once = request.once;
  options.notes = &notes;
  options.reset_command =
      "windrow source reset " + request.source_name + " --data " + quoted(request.data);
  if (!request.declared) options.reset_command += " --input " + quoted(request.path);
  auto file = sources::file_source::open(std::move(options));
  if (!file) return file.error();
  opened.bytes = (*file)->size();
  opened.in = std::make_shared<file_input>(std::move(*file), request.source);
  return opened;
}

// ---- the journal -------------------------------------------------------------------------------

void journal_bell::ring() {
  std::lock_guard lock(mutex_);
  rung_ = true;
  changed_.notify_all();
}

void journal_bell::end() {
  std::lock_guard lock(mutex_);
  ended_ = rung_ = true;
  changed_.notify_all();
}

bool journal_bell::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return rung_; });
  rung_ = ended_;
  return !ended_;
}

std::string stream_tag(std::string_view stream) { return "stream:" + std::string(stream); }
std::string source_tag(std::string_view source) { return "source:" + std::string(source); }

result<void> journal_input::choose(const std::string& tag) {
  source_ = stream_ = schema::none;
  for (std::size_t i = 0; i < plan_->streams.size(); ++i) {
    if (stream_tag(plan_->streams[i].name) == tag) stream_ = static_cast<int>(i);
  }
  for (std::size_t i = 0; i < plan_->sources.size(); ++i) {
    if (source_tag(plan_->sources[i].name) == tag) source_ = static_cast<int>(i);
  }
  if (stream_ != schema::none || source_ != schema::none) return {};
  return failure{errc::corrupt,
                 "the journal holds messages for " + tag + ", which is not declared"};
}

result<sources::source_step> journal_input::next() {
  const storage::sequence from = std::max<storage::sequence>(position_ >> entry_bits, 1);
  const bool more_may_come = journal_.last() >= from ? true : bell_->wait();
  if (journal_.last() < from) {
    return sources::source_step{
        more_may_come ? sources::source_step::kind::nothing : sources::source_step::kind::end,
        nullptr};
  }
  auto entries = journal_.read(from, run_bytes);
  if (!entries) return entries.error();
  // A run has one arrival and one choice of streams.
  const storage::push& first = entries->front().what;
  if (auto chosen = choose(first.stream); !chosen) return chosen.error();
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
  auto run = sources::make_run(partition_, position_, last, {first.arrival}, messages);
  position_ = last;
  return sources::source_step{sources::source_step::kind::run, std::move(run)};
}

// ---- standard input ----------------------------------------------------------------------------

standard_input::standard_input(options o) : options_(std::move(o)), thread_([this] { feed(); }) {}

standard_input::~standard_input() {
  stop_ = true;
  thread_.join();
}

result<void> standard_input::append(const sources::message_run& run) {
  storage::push push{source_tag(options_.source), run.arrival.micros, {}};
  for (const sources::message_view& m : run.messages) {
    if (m.oversized) {
      // Too long to journal: what is left of it can only be a dead letter.
      options_.too_long();
      return options_.journal->stage_dead_letter(
          {partition_, m.sequence, options_.source, "parse", "too_long", "the line is too long",
           run.arrival.micros, std::string(m.text()), run.true_size});
    }
    push.payload.append(m.text()).push_back('\n');
  }
  if (push.payload.empty()) return {};
  auto appended = options_.journal->append({&push, 1});
  if (!appended) return appended.error();
  options_.bell->ring();
  return {};
}

void standard_input::feed() {
  auto registered = options_.journal->register_partition(
      storage::partition_kind::standard_input,
      sources::stream_partition_name(std::to_string(wall_clock()) + "-" + std::to_string(getpid())),
      "");
  if (!registered) return options_.failed(registered.error());
  partition_ = registered->id;
  sources::stream_source input(STDIN_FILENO, partition_);
  while (!stop_) {
    if (options_.behind() > entries_behind_max) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    auto ready = input.wait(100);
    if (!ready) return options_.failed(ready.error());
    if (!*ready) continue;
    auto step = input.next({wall_clock()});
    if (!step) return options_.failed(step.error());
    if (step->what == sources::source_step::kind::end) return options_.ended();
    if (!step->run) continue;
    if (auto appended = append(*step->run); !appended) return options_.failed(appended.error());
  }
}

}  // namespace windrow::cluster
