// What people see of a node's sources, and what they do to them.
#include <algorithm>
#include <set>

#include "node/node_impl.hpp"
#include "node/paused.hpp"

namespace windrow::node {

namespace {

constexpr std::chrono::seconds stop_deadline{60};

failure closed_node() { return {errc::closed, "the node is closed"}; }

std::string plural(std::uint64_t count, const std::string& unit) {
  // Units are plurals: bytes, messages.
  return std::to_string(count) + " " + (count == 1 ? unit.substr(0, unit.size() - 1) : unit);
}

std::string names_of(const std::vector<sources::driver_partition>& partitions) {
  std::string names;
  for (const sources::driver_partition& p : partitions)
    names += (names.empty() ? "" : ", ") + p.name;
  return names;
}

}  // namespace

// ---- status ------------------------------------------------------------------------------------

result<std::vector<sources::source_status>> node::sources() {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (!call) return closed_node();
  if (!i.options.read_only) {
    if (auto flushed = i.journal->letters().flush(); !flushed) return flushed.error();
  }
  return i.every_status();
}

result<std::vector<sources::source_status>> node::impl::every_status() {
  std::vector<sources::source_status> all;
  for (const schema::source& s : plan->sources) {
    const bool read =
        options.read_only || std::any_of(options.inputs.begin(), options.inputs.end(),
                                         [&](const node_input& in) { return in.source == s.name; });
    if (!read) continue;
    auto status = status_of(s.name);
    if (!status) return status.error();
    all.push_back(std::move(*status));
  }
  all.push_back(status_of_journal());
  return all;
}

result<sources::source_status> node::impl::status_of(const std::string& source) {
  sources::source_status out;
  out.source = source;
  const auto letters = journal->letters().counts();
  const auto paused = is_paused(*journal, source);
  if (!paused) return paused.error();
  for (const auto& driver : drivers) {
    if (driver->name() != source) continue;
    out.kind = driver->kind();
    out.unit = driver->unit();
    for (const sources::driver_partition& p : driver->partitions()) {
      sources::partition_status one;
      one.partition = p.name;
      one.id = p.id;
      one.end = p.end;
      for (const auto& c : letters) one.dead_letters += c.partition == p.id ? c.count : 0;
      bool known_here = false;
      {
        std::lock_guard lock(mutex);
        known_here = board.describe(p.id, wall_clock(), one);
      }
      if (!known_here) {
        // Of a node, only what it reads; of a folder, what has been read into it.
        if (!options.read_only) continue;
        if (auto filled = describe_stopped(source, p, one); !filled) return filled.error();
      }
      if (!p.trouble.empty() && one.state == sources::source_state::running) {
        one.state = sources::source_state::waiting;
        one.reason = p.trouble;
      }
      out.partitions.push_back(std::move(one));
    }
  }
  std::lock_guard lock(mutex);
  if (out.kind.empty()) {
    out.kind = "standard input";
    out.unit = "bytes";
  }
  out.state = state_of(out);
  if (out.partitions.empty()) {
    out.state = options.read_only           ? sources::source_state::stopped
                : board.is_complete(source) ? sources::source_state::ended
                                            : sources::source_state::running;
    for (const auto& driver : drivers) {
      if (driver->name() != source || out.state != sources::source_state::running) continue;
      out.reason = driver->trouble();
      if (!out.reason.empty()) out.state = sources::source_state::waiting;
    }
  }
  if (*paused) out.state = sources::source_state::paused;
  if (const auto why = board.failure_of(source)) {
    out.state = sources::source_state::failed;
    out.reason = why->message;
  } else if (out.state == sources::source_state::waiting) {
    for (const auto& p : out.partitions) {
      if (p.state == sources::source_state::waiting) out.reason = p.reason;
    }
  }
  return out;
}

result<void> node::impl::describe_stopped(const std::string& source,
                                          const sources::driver_partition& p,
                                          sources::partition_status& into) {
  auto start = start_of(p);
  if (!start) return start.error();
  auto paused = is_paused(*journal, source, p.id);
  if (!paused) return paused.error();
  into.position = start->read_from;
  into.state = *paused ? sources::source_state::paused : sources::source_state::stopped;
  if (into.end) into.lag = *into.end - std::min(*into.end, into.position);
  return {};
}

sources::source_status node::impl::status_of_journal() {
  sources::source_status out;
  out.source = "journal";
  out.kind = "journal";
  out.unit = "pushes";
  sources::partition_status one;
  one.partition = "journal";
  one.id = journal_partition;
  one.end = journal->entries().last();
  for (const auto& c : journal->letters().counts())
    one.dead_letters += c.partition == journal_partition ? c.count : 0;
  const storage::sequence applied = entry_applied(smallest_position(journal_partition));
  std::lock_guard lock(mutex);
  static_cast<void>(board.describe(journal_partition, wall_clock(), one));
  one.position = applied;
  one.lag = *one.end - std::min(*one.end, applied);
  if (*one.lag == 0) one.behind.reset();
  if (options.read_only) one.state = sources::source_state::stopped;
  if (progress.failed) {
    one.state = sources::source_state::failed;
    one.reason = progress.failed->message;
  }
  out.state = one.state;
  out.reason = one.reason;
  out.partitions.push_back(std::move(one));
  return out;
}

// ---- which partitions are meant ----------------------------------------------------------------

result<std::vector<node::impl::chosen>> node::impl::choose(const sources::source_selection& what) {
  std::string names;
  bool declared = false;
  for (const schema::source& s : plan->sources) {
    names += (names.empty() ? "" : ", ") + s.name;
    declared = declared || s.name == what.source;
  }
  if (!declared) {
    return failure{errc::not_found,
                   "there is no source `" + what.source + "`; there are: " + names};
  }
  std::vector<chosen> all;
  std::vector<sources::driver_partition> there;
  bool driven = false;
  for (const auto& driver : drivers) {
    if (driver->name() != what.source) continue;
    driven = true;
    for (sources::driver_partition& p : driver->partitions()) {
      std::optional<std::uint32_t> number;
      {
        std::lock_guard lock(mutex);
        number = board.find(p.id);
      }
      if (!number && !options.read_only) continue;
      there.push_back(p);
      if (!what.partition || *what.partition == p.name)
        all.push_back({driver.get(), std::move(p), number});
    }
  }
  if (!driven) {
    return failure{errc::invalid,
                   "the source `" + what.source + "` is not read from files or a log by this node"};
  }
  if (what.partition && all.empty()) {
    return failure{errc::not_found, "the source `" + what.source + "` has no partition " +
                                        *what.partition +
                                        (there.empty() ? "; nothing has been read of it yet"
                                                       : "; there are: " + names_of(there))};
  }
  return all;
}

// A file that was read in another's place stays known; commands mean the declared one then.
result<std::vector<node::impl::chosen>> node::impl::choose_to_move(
    const sources::source_selection& what, bool one) {
  auto all = choose(what);
  if (!all) return all;
  if (all->empty()) {
    return failure{errc::not_found, "nothing of the source `" + what.source +
                                        "` has been read into " + options.data + " yet"};
  }
  const bool files = std::string_view(all->front().driver->kind()) == "file";
  if (all->size() == 1 || (!files && !one)) return all;
  std::vector<sources::driver_partition> there;
  for (chosen& c : *all) {
    const bool usual =
        std::any_of(plan->sources.begin(), plan->sources.end(), [&](const schema::source& s) {
          return s.name == what.source && s.path == c.partition.name;
        });
    if (files && usual) return std::vector<chosen>{std::move(c)};
    there.push_back(c.partition);
  }
  return failure{errc::invalid, "the source `" + what.source + "` has several partitions; say " +
                                    "which with --partition: " + names_of(there)};
}

// ---- pause and resume --------------------------------------------------------------------------

std::optional<storage::sequence> node::impl::stop_input(std::uint32_t number) {
  known_input& input = known.at(number);
  std::optional<storage::sequence> position;
  if (input.in_ingest) {
    caf::scoped_actor self{*system};
    self->request(ingest, stop_deadline, actors::stop_input{number})
        .receive([&](const actors::input_stopped& s) { position = s.position; },
                 [](const caf::error&) {});
  }
  if (input.reader) caf::anon_send_exit(input.reader, caf::exit_reason::user_shutdown);
  input.reader = nullptr;
  return position;
}

// Reads a stopped input on, where ingest stands or behind what is to be passed over.
void node::impl::go_on(std::uint32_t number) {
  known_input& input = known.at(number);
  {
    std::lock_guard lock(mutex);
    board.continued(number);
    progress.finished = false;
  }
  if (!input.in_ingest) {
    std::vector<actors::ingest_input> starting;
    open_input(number, starting);
    return begin(std::move(starting));
  }
  const auto position = stop_input(number);
  auto skips = journal->skips().of(input.partition.id);
  if (!position || !skips) {
    return input_failed(
        number, skips ? failure{errc::closed, "the node did not answer in time"} : skips.error());
  }
  actors::continue_input reading{number, {}, *skips, storage::after_skips(*skips, *position)};
  auto opened = input.driver->open(input.partition.id, reading.skip_to);
  if (!opened) return input_failed(number, opened.error());
  reading.reader = spawn_reader(number, std::move(*opened));
  caf::anon_send(ingest, std::move(reading));
}

result<sources::source_control> node::pause_source(const sources::source_selection& what) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (!call) return closed_node();
  const std::lock_guard lock(i.sources_mutex);
  auto all = i.choose(what);
  if (!all) return all.error();
  sources::source_control out{what.source, {}};
  std::optional<storage::partition_id> id;
  if (what.partition) id = all->front().partition.id;
  if (auto kept = set_paused(*i.journal, what.source, id, true); !kept) return kept.error();
  for (const auto& c : *all) {
    const auto start = i.start_of(c.partition);
    if (!start) return start.error();
    storage::sequence at = start->read_from;
    if (c.number) {
      at = i.stop_input(*c.number).value_or(at);
      std::lock_guard state(i.mutex);
      i.board.paused(*c.number);
    }
    out.steps.push_back(
        {c.partition.name, c.driver->unit(), at, at, 0, "paused at " + std::to_string(at)});
  }
  i.look_whether_done();
  return out;
}

result<sources::source_control> node::resume_source(const sources::source_selection& what) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (!call) return closed_node();
  const std::lock_guard lock(i.sources_mutex);
  auto all = i.choose(what);
  if (!all) return all.error();
  const auto whole = is_paused(*i.journal, what.source);
  if (!whole) return whole.error();
  if (what.partition && *whole) {
    return failure{errc::invalid, "the source `" + what.source +
                                      "` is paused as a whole; resume it without --partition"};
  }
  sources::source_control out{what.source, {}};
  if (!what.partition) {
    if (auto kept = set_paused(*i.journal, what.source, std::nullopt, false); !kept)
      return kept.error();
    bool failed = false;
    {
      std::lock_guard state(i.mutex);
      failed = i.board.source_has_failed(what.source);
      i.board.source_continued(what.source);
    }
    if (failed) i.discover();
  }
  for (const auto& c : *all) {
    const auto paused = is_paused(*i.journal, what.source, c.partition.id);
    if (!paused) return paused.error();
    if (*paused) {
      auto kept = set_paused(*i.journal, what.source, c.partition.id, false);
      if (!kept) return kept.error();
    }
    const auto start = i.start_of(c.partition);
    if (!start) return start.error();
    bool again = *paused || *whole;
    if (c.number) {
      std::unique_lock state(i.mutex);
      again = i.board.is_stopped(*c.number);
      state.unlock();
      if (again) i.go_on(*c.number);
    }
    out.steps.push_back({c.partition.name, c.driver->unit(), start->read_from, start->read_from, 0,
                         again ? "resumed" : "was not paused"});
  }
  i.look_whether_done();
  return out;
}

// ---- seek and reset ----------------------------------------------------------------------------

storage::sequence node::impl::largest_position(storage::partition_id partition) {
  storage::sequence largest = 0;
  for (auto& gate : gates) {
    for (const auto& state : gate->priority([](auto& core) { return core.stripe_states(); })) {
      if (const auto* at = state.sources.find(partition)) largest = std::max(largest, at->at);
    }
  }
  return largest;
}

// The seek has happened once the journal has committed the ranges that are passed over: what
// was applied before it is applied again by any later start, and what lies between is not. After a
// crash some stripes stand before others; where what those lack is gone, they pass over it.
result<sources::source_control_step> node::impl::seek_partition(
    const chosen& c, const sources::seek_target& target) {
  const auto place = c.driver->locate(c.partition.id, target);
  if (!place) return place.error();
  const storage::sequence to = place->at;
  const auto start = start_of(c.partition);
  if (!start) return start.error();
  std::optional<storage::sequence> taken;
  bool reads = false;
  if (c.number) {
    std::unique_lock state(mutex);
    reads = !board.is_paused(*c.number);
    state.unlock();
    taken = stop_input(*c.number);
  }
  const storage::sequence stands = taken.value_or(start->position);
  const storage::sequence reached = std::max(stands, largest_position(c.partition.id));
  auto skips = journal->skips().of(c.partition.id);
  if (!skips) return skips.error();
  const storage::sequence next = storage::after_skips(*skips, stands);
  storage::seek_outcome outcome = storage::seek(std::move(*skips), reached, to);
  outcome.skips = storage::with_gone(outcome.skips, stands, place->oldest);
  const storage::sequence gone_to = std::min(place->oldest, reached);
  const auto kept = journal->skips().set(c.partition.id, outcome.skips);
  if (c.number) {
    if (reads) {
      go_on(*c.number);
    } else if (kept) {
      caf::anon_send(
          ingest, actors::continue_input{
                      *c.number, {}, outcome.skips, storage::after_skips(outcome.skips, stands)});
    }
    std::lock_guard state(mutex);
    if (kept && !taken) board.moved(*c.number, outcome.after);
  }
  if (!kept) return kept.error();
  sources::source_control_step step{
      c.partition.name, c.driver->unit(), outcome.before, outcome.after, 0, ""};
  if (outcome.after > outcome.before) {
    step.skipped = outcome.after - outcome.before;
    step.text = "read on at " + std::to_string(outcome.after) + " instead of " +
                std::to_string(outcome.before) + ", passing over " +
                plural(step.skipped, step.unit);
  } else if (outcome.after < outcome.before) {
    step.text = "read on at " + std::to_string(outcome.after) + ": of what an earlier seek would " +
                "have passed over, " + plural(outcome.before - outcome.after, step.unit) +
                " are read after all";
  } else if (to < outcome.before) {
    step.text = "stays at " + std::to_string(outcome.after) +
                ": what was applied stays applied once, so reading again from " +
                std::to_string(to) + " would count nothing; `windrow source reset " +
                c.driver->name() + "` reads it again as new input";
  } else {
    step.text = "is at " + std::to_string(outcome.after) + " already";
  }
  if (gone_to > next) {
    step.skipped += gone_to - next;
    step.text += "; of " + plural(gone_to - next, step.unit) + " after " + std::to_string(next) +
                 ", which are no longer there, what a crash left to be applied is passed over";
  }
  return step;
}

result<sources::source_control> node::seek_source(const sources::source_selection& what,
                                                  const sources::seek_target& target) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (!call) return closed_node();
  const std::lock_guard lock(i.sources_mutex);
  auto all = i.choose_to_move(what, target.what == sources::seek_target::kind::position);
  if (!all) return all.error();
  sources::source_control out{what.source, {}};
  for (const auto& c : *all) {
    auto step = i.seek_partition(c, target);
    if (!step) return step.error();
    out.steps.push_back(std::move(*step));
  }
  i.look_whether_done();
  return out;
}

result<sources::source_control> node::reset_source(const sources::source_selection& what) {
  impl& i = *impl_;
  const auto call = i.calls.enter();
  if (!call) return closed_node();
  const std::lock_guard lock(i.sources_mutex);
  auto all = i.choose_to_move(what, false);
  if (!all) return all.error();
  sources::source_control out{what.source, {}};
  std::vector<actors::ingest_input> starting;
  for (const auto& c : *all) {
    const auto before = i.start_of(c.partition);
    if (!before) return before.error();
    if (c.number) i.stop_input(*c.number);
    auto made = c.driver->reset(c.partition.id);
    if (!made) {
      if (c.number) i.go_on(*c.number);
      return made.error();
    }
    if (c.number) {
      std::unique_lock state(i.mutex);
      i.board.dropped(*c.number);
      i.board.source_continued(what.source);
      state.unlock();
      i.known.erase(*c.number);
      if (made->begun) {
        i.add_partition(*c.driver, *made, starting);
      } else {
        const std::lock_guard state(i.mutex);
        i.board.complete(what.source, false);
      }
    }
    out.steps.push_back({made->name, c.driver->unit(), before->read_from, made->start, 0,
                         "is read from its beginning, as new input; what was read before stays "
                         "counted, and what is still there counts again"});
  }
  if (!i.options.read_only) i.begin(std::move(starting));
  return out;
}

// Ingest says `settled` again, and the board may see that nothing more will come.
void node::impl::look_whether_done() {
  if (!options.read_only) begin({});
}

}  // namespace windrow::node
