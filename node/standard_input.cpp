#include "node/standard_input.hpp"

#include <unistd.h>

#include <chrono>

#include "base/clock.hpp"
#include "formats/line_cutter.hpp"
#include "node/journal_input.hpp"
#include "sources/partition_name.hpp"
#include "sources/pipe_reader.hpp"
#include "storage/journal/message_list.hpp"

namespace windrow::node {

namespace {

constexpr std::uint64_t entries_behind_max = 64;

/// A run of lines as a push; with a producer, each line is a unit.
class push_builder {
public:
  push_builder(const formats::message_run& run, const standard_input::options& options)
      : run_(run), options_(options), position_(run.after) {
    push.stream = source_tag(options.source);
    push.arrival = run.arrival.micros;
    if (!options.lines.producer.empty()) push.producer.emplace();
  }

  void line(const formats::message_view& m) {
    const std::uint64_t count = formats::count_lines(run_, position_, m.sequence);
    blank(count - 1);
    storage::append_message(push.payload, m.text());
    unit(m.text());
    position_ = m.sequence;
    ++lines;
  }
  /// One that is too long to journal: what is left of it can only be a dead letter.
  void long_line(const formats::message_view& m, storage::partition_id partition) {
    push.dead_letters.push_back({partition, m.sequence, options_.source, "parse", "too_long",
                                 "the line is too long", run_.arrival.micros, std::string(m.text()),
                                 run_.true_size});
    unit(std::string(m.text()) + "…" + std::to_string(run_.true_size));
    position_ = m.sequence;
    ++lines;
  }
  void end() { blank(formats::count_lines(run_, position_, run_.last)); }

  storage::push push;
  std::uint64_t lines = 0;

private:
  void blank(std::uint64_t count) {
    lines += count;
    for (; push.producer && count > 0; --count) unit("");
  }
  void unit(std::string_view text) {
    if (!push.producer) return;
    push.producer->units.push_back({storage::content_hash(push.stream, text), push.payload.size()});
  }

  const formats::message_run& run_;
  const standard_input::options& options_;
  storage::sequence position_;
};

}  // namespace

standard_input::standard_input(options o) : options_(std::move(o)), thread_([this] { feed(); }) {}

standard_input::~standard_input() {
  stop_ = true;
  thread_.join();
}

result<void> standard_input::begin() {
  auto registered = options_.journal->partitions().register_partition(
      storage::partition_kind::standard_input,
      sources::stream_partition_name(std::to_string(wall_clock()) + "-" + std::to_string(getpid())),
      "");
  if (!registered) return registered.error();
  partition_ = registered->id;
  return {};
}

result<void> standard_input::greet() {
  const standard_input_options& lines = options_.lines;
  if (lines.producer.empty() || !lines.resumes) return {};
  auto last = options_.journal->producers().last_sequence(lines.producer);
  return last ? lines.resumes(*last) : last.error();
}

result<void> standard_input::append(const formats::message_run& run) {
  if (run.messages.size() > entry_messages_max)
    return failure{errc::invalid,
                   "standard input gives more lines at once than a journal entry holds"};
  push_builder built(run, options_);
  for (const formats::message_view& m : run.messages)
    m.oversized ? built.long_line(m, partition_) : built.line(m);
  built.end();
  const bool has_dead_letters = !built.push.dead_letters.empty();
  if (built.push.producer) {
    built.push.producer->name = options_.lines.producer;
    built.push.producer->first = options_.lines.first + lines_;
  }
  if (built.push.producer || has_dead_letters || !built.push.payload.empty()) {
    auto appended = options_.journal->pushes().append(std::move(built.push));
    if (!appended) return refused(appended.error());
    if (has_dead_letters && appended->duplicates == 0) options_.too_long();
    if (appended->entry != 0) options_.notifier->notify();
  }
  lines_ += built.lines;
  return {};
}

failure standard_input::refused(const failure& why) const {
  if (why.code != errc::conflict && why.code != errc::gap) return why;
  return {why.code, "standard input is not taken beyond line " + std::to_string(lines_) + ": " +
                        why.message + ". Line 1 of this input is sequence " +
                        std::to_string(options_.lines.first) + " (--sequence)"};
}

failure standard_input::ended_within_a_line() const {
  return {errc::invalid, "standard input ended within line " + std::to_string(lines_ + 1) +
                             ", which is not taken: it has no line end and is no JSON object. Feed "
                             "it again from that line on"};
}

void standard_input::feed() {
  if (auto begun = begin(); !begun) return options_.failed(begun.error());
  if (auto told = greet(); !told) return options_.unreadable(told.error());
  // Half a line of a producer that died is not its line: it will say the whole one.
  using last_line = sources::pipe_reader::last_line;
  sources::pipe_reader input(
      STDIN_FILENO, partition_, {},
      options_.lines.acknowledged ? last_line::taken_if_closed_object : last_line::taken);
  while (!stop_) {
    if (options_.behind() > entries_behind_max) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      continue;
    }
    auto ready = input.wait(100);
    if (!ready) return options_.unreadable(ready.error());
    if (!*ready) continue;
    auto step = input.next({wall_clock()});
    if (!step) return options_.unreadable(step.error());
    if (step->what == sources::source_step::kind::end) {
      if (input.left_a_line()) return options_.unreadable(ended_within_a_line());
      return options_.ended();
    }
    if (!step->run) continue;
    if (auto appended = append(*step->run); !appended) {
      const errc code = appended.error().code;
      const bool told = code == errc::conflict || code == errc::gap;
      return told ? options_.unreadable(appended.error()) : options_.failed(appended.error());
    }
    if (!options_.lines.acknowledged) continue;
    if (auto told = options_.lines.acknowledged(lines_); !told)
      return options_.unreadable(told.error());
  }
}

}  // namespace windrow::node
