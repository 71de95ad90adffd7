#include "sources/kafka_driver.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/shell_quote.hpp"

namespace windrow::sources {

namespace {

using sources::kafka_identity;
using sources::kafka_partition_state;
using storage::partition_id;

constexpr int ask_timeout_ms = 1'000;
constexpr int person_timeout_ms = 5'000;
constexpr int dead_letters_timeout_ms = 1'000;
constexpr std::chrono::milliseconds discovery_interval{500};
/// Looks in a row at which a topic must have too few partitions before that is believed: a broker
/// may not have heard yet of those that were added.
constexpr int fewer_found_max = 10;

class kafka_input final : public sources::input {
public:
  kafka_input(std::shared_ptr<sources::kafka_reader> reader, int source)
      : reader_(std::move(reader)), source_(source) {}
  // The driver may hold the reader for a moment longer: it is to be still by now.
  ~kafka_input() override { reader_->close(); }
  result<sources::source_step> next() override {
    auto step = reader_->next();
    if (step) step->source = source_;
    return step;
  }

private:
  std::shared_ptr<sources::kafka_reader> reader_;
  int source_;
};

}  // namespace

result<std::unique_ptr<source_driver>> kafka_driver::make(const driver_request& request,
                                                          const driver_context& context) {
  const schema::source& declared = request.declared();
  auto config = sources::kafka_config_of(declared);
  if (!config) return config.error();
  const std::string where = declared.name + " --data " + shell_quote(context.data);
  config->seek_command = "windrow source seek " + where;
  config->reset_command = "windrow source reset " + where;
  options o{request.source, false, std::move(*config)};
  for (const schema::stream& s : request.plan.streams) {
    if (s.source != request.source) continue;
    for (const std::string& name : s.envelope) o.headers |= name.starts_with("message_headers");
  }
  return std::unique_ptr<source_driver>(std::make_unique<kafka_driver>(std::move(o), context));
}

kafka_driver::kafka_driver(options o, const driver_context& context)
    : options_(std::move(o)), context_(context), dead_letters_(options_.config, context.journal) {
  loaded_ = load();
}

kafka_driver::~kafka_driver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (discovery_thread_.joinable()) discovery_thread_.join();
}

// ---- what the journal knows --------------------------------------------------------------------

result<void> kafka_driver::load() {
  for (const storage::partition& p : context_.journal.partitions().all()) {
    if (p.kind != storage::partition_kind::kafka) continue;
    auto identity = sources::parse_kafka_partition_name(p.name);
    if (!identity) return identity.error();
    if (identity->source != name() || identity->topic != options_.config.topic) continue;
    auto state = sources::parse_kafka_partition_state(p.state);
    if (!state) return state.error();
    entry& e = entries_[identity->number];
    if (e.id != 0 && e.identity.incarnation > identity->incarnation) continue;
    e = {};
    e.id = p.id;
    e.identity = std::move(*identity);
    e.state = *state;
  }
  return {};
}

result<void> kafka_driver::remember(entry& e, const kafka_partition_state& state) {
  auto kept = context_.journal.partitions().set_state(e.id, sources::to_text(state));
  if (kept) e.state = state;
  return kept;
}

kafka_driver::entry* kafka_driver::find(partition_id partition) {
  for (auto& [number, e] : entries_) {
    if (e.id == partition) return &e;
  }
  return nullptr;
}

driver_partition kafka_driver::describe(const entry& e) const {
  driver_partition out;
  out.id = e.id;
  out.name = std::to_string(e.identity.number);
  out.start = e.state.start.value_or(0);
  out.begun = e.state.start.has_value();
  out.end = e.high;
  out.trouble = trouble_now();
  return out;
}

// With the guard held.
std::string kafka_driver::trouble_now() const {
  if (!source_) return {};
  const auto connection = source_->connection();
  if (connection.trouble.empty()) return dead_letters_trouble_;
  return connection.connected ? connection.trouble
                              : "no connection to the broker: " + connection.trouble;
}

std::string kafka_driver::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_now();
}

std::vector<driver_partition> kafka_driver::partitions() const {
  const std::lock_guard lock(mutex_);
  std::vector<driver_partition> all;
  for (const auto& [number, e] : entries_) all.push_back(describe(e));
  return all;
}

// ---- discovery ---------------------------------------------------------------------------------

/// The source, opened again where it has given up. With the guard held.
result<std::shared_ptr<sources::kafka_source>> kafka_driver::connect() {
  if (source_ && !source_->given_up()) return source_;
  auto opened = sources::kafka_source::open(options_.config);
  if (!opened) return opened.error();
  source_ = *opened;
  return source_;
}

result<std::vector<driver_partition>> kafka_driver::discover() {
  const std::lock_guard lock(mutex_);
  if (!loaded_) return loaded_.error();
  if (failed_ && !failure_told_) {
    failure_told_ = true;
    return *failed_;
  }
  if (failed_) {  // asked again: somebody has removed the cause
    failed_.reset();
    failure_told_ = false;
    changed_.notify_all();
  }
  if (auto connected = connect(); !connected) return connected.error();
  if (!discovery_thread_.joinable())
    discovery_thread_ = std::thread([this] { discover_partitions(); });
  std::vector<driver_partition> found;
  for (auto& [number, e] : entries_) {
    // Begun, and known to be there still.
    if (e.given || !e.state.start || !e.high) continue;
    e.given = true;
    found.push_back(describe(e));
  }
  return found;
}

bool kafka_driver::complete() const {
  const std::lock_guard lock(mutex_);
  return context_.once && all_found_ &&
         std::all_of(entries_.begin(), entries_.end(),
                     [](const auto& one) { return one.second.given || !one.second.high; });
}

void kafka_driver::discover_partitions() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto source = source_;
    const int resets = resets_;
    if (!failed_ && source) {
      lock.unlock();
      const auto discovered = discover_partitions_of(*source);
      lock.lock();
      if (!discovered && !failed_) failed_ = discovered.error();
      if (discovered && *discovered && resets == resets_) all_found_ = true;
    }
    const bool found = std::any_of(entries_.begin(), entries_.end(),
                                   [](const auto& one) { return !one.second.given; });
    lock.unlock();
    if (found) context_.found();
    const auto produced = produce_dead_letters();
    lock.lock();
    if (!produced && !failed_) failed_ = produced.error();
    if (!stopping_) changed_.wait_for(lock, discovery_interval);
  }
  lock.unlock();
  static_cast<void>(produce_dead_letters());  // what became durable last
}

std::optional<kafka_dead_letters::stretch> kafka_driver::next_stretch() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, e] : entries_) {
    if (e.state.dead_letters < e.dead_letters_due)
      return kafka_dead_letters::stretch{e.id, number, e.state.dead_letters, e.dead_letters_due};
  }
  return std::nullopt;
}

/// Produces dead letters for as long as that gets on: the discovery_thread has more to do.
result<void> kafka_driver::produce_dead_letters() {
  if (options_.config.dead_letter_topic.empty()) return {};
  while (const auto next = stretch_begun_ ? stretch_begun_ : next_stretch()) {
    stretch_begun_.reset();
    const auto through = dead_letters_.produce(*next, dead_letters_timeout_ms);
    if (!through) return through.error();
    const std::lock_guard lock(mutex_);
    dead_letters_trouble_ = dead_letters_.trouble();
    entry* e = find(next->partition);
    if (e == nullptr) continue;
    if (*through == next->after) {
      stretch_begun_ = next;
      return {};
    }
    kafka_partition_state state = e->state;
    state.dead_letters = *through;
    if (auto kept = remember(*e, state); !kept) return kept;
  }
  return {};
}

/// Asks for partitions and their ends; whether everything was answered.
result<bool> kafka_driver::discover_partitions_of(sources::kafka_source& source) {
  const auto count = source.partition_count(ask_timeout_ms);
  if (!count) return count.error();
  if (!*count) return false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, e] : entries_) {
      if (number < **count || !e.state.start) continue;
      if (++fewer_found_ < fewer_found_max) return false;
      return failure{errc::mismatch,
                     "the topic `" + options_.config.topic + "` has " + std::to_string(**count) +
                         " partitions, and partition " + std::to_string(number) +
                         " has been read: it was deleted and made again. To read it as a new one, "
                         "from its beginning, run: " +
                         options_.config.reset_command};
    }
  }
  fewer_found_ = 0;
  const auto counters = context_.journal.counters().all();
  if (!counters) return counters.error();
  const bool first = counters->count(begun_name()) == 0;
  bool all = true;
  for (int number = 0; number < **count; ++number) {
    auto begun = begin_partition(source, number, first);
    if (!begun) return begun.error();
    all = all && *begun;
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
  }
  if (!first || !all) return all;
  const std::pair<std::string, std::uint64_t> mark{begun_name(), 1};
  if (auto marked = context_.journal.counters().set({&mark, 1}); !marked) return marked.error();
  return true;
}

/// Once the first partitions of a topic are all registered; those found later are new ones.
std::string kafka_driver::begun_name() const {
  return "kafka begun " + name() + "/" + options_.config.topic;
}

/// Registers a partition where it is new, and looks where it ends; whether the broker answered.
result<bool> kafka_driver::begin_partition(sources::kafka_source& source, int number, bool first) {
  const auto range = source.range(number, ask_timeout_ms);
  if (!range) return range.error();
  if (!*range) return false;
  std::uint32_t incarnation = 0;
  bool begun = false;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = entries_.find(number); known != entries_.end()) {
      begun = known->second.state.start.has_value();
      incarnation = known->second.identity.incarnation;
    }
  }
  std::optional<storage::sequence> start = (*range)->low;
  if (!begun && first && incarnation == 0) {
    const auto told = source.position_of(options_.config.start, number, ask_timeout_ms);
    if (!told) return told.error();
    if (!*told) return false;
    start = *told;
  }
  const std::lock_guard lock(mutex_);
  entry& e = entries_[number];
  if (!e.state.start) {
    e.identity = {name(), options_.config.topic, number, e.identity.incarnation};
    kafka_partition_state state;
    state.start = start;
    auto registered = context_.journal.partitions().register_partition(
        storage::partition_kind::kafka, sources::partition_name(e.identity),
        sources::to_text(state));
    if (!registered) return registered.error();
    e.id = registered->id;
    if (auto kept = remember(e, state); !kept) return kept.error();
  }
  e.high = (*range)->high;
  if (!e.end) e.end = (*range)->high;
  return true;
}

// ---- reading -----------------------------------------------------------------------------------

result<std::shared_ptr<sources::input>> kafka_driver::open(partition_id partition,
                                                           storage::sequence from) {
  const std::lock_guard lock(mutex_);
  entry* e = find(partition);
  if (e == nullptr) {
    return failure{errc::not_found,
                   "the source " + name() + " has no partition " + storage::hex_of(partition)};
  }
  if (const auto old = e->reader.lock()) old->close();
  auto source = connect();
  if (!source) return source.error();
  sources::kafka_read_options read;
  read.number = e->identity.number;
  read.partition = partition;
  read.position = from;
  read.check = e->state.check;
  read.headers = options_.headers;
  if (context_.once) read.end = e->end;
  auto reader = (*source)->read(read);
  if (!reader) return reader.error();
  // Opened for the first time, nothing has been applied in this run: what is applied is durable.
  if (!std::exchange(e->opened, true)) e->dead_letters_due = context_.position_of(partition);
  const std::shared_ptr<sources::kafka_reader> shared = std::move(*reader);
  e->reader = shared;
  return std::shared_ptr<sources::input>(std::make_shared<kafka_input>(shared, options_.source));
}

result<void> kafka_driver::committed(const storage::positions& on_disk) {
  std::vector<std::pair<int, storage::sequence>> shown;
  std::shared_ptr<sources::kafka_source> source;
  {
    const std::lock_guard lock(mutex_);
    source = source_;
    for (auto& [number, e] : entries_) {
      const auto at = on_disk.find(e.id);
      if (at == on_disk.end() || at->second == 0) continue;
      shown.emplace_back(number, at->second);
      const auto reader = e.reader.lock();
      e.dead_letters_due = at->second;
      kafka_partition_state state = e.state;
      if (const auto check = reader ? reader->check_at(at->second) : std::nullopt) {
        state.check = check;
      }
      if (state == e.state) continue;
      if (auto kept = remember(e, state); !kept) return kept;
    }
  }
  if (source) source->show_positions(shown);
  return {};
}

// ---- seek and reset ----------------------------------------------------------------------------

result<sources::kafka_range> kafka_driver::ask_range(int number) {
  std::shared_ptr<sources::kafka_source> source;
  {
    const std::lock_guard lock(mutex_);
    auto connected = connect();
    if (!connected) return connected.error();
    source = *connected;
  }
  const auto range = source->range(number, person_timeout_ms);
  if (!range) return range.error();
  if (*range) return **range;
  return failure{errc::unavailable, "the broker of the source " + name() +
                                        " does not answer: " + source->connection().trouble +
                                        " (a stopped folder has no passwords; an offset needs no "
                                        "broker)"};
}

result<seek_place> kafka_driver::locate(partition_id partition, const seek_target& target) {
  int number = 0;
  {
    const std::lock_guard lock(mutex_);
    const entry* e = find(partition);
    if (e == nullptr) {
      return failure{errc::not_found,
                     "the source " + name() + " has no partition " + storage::hex_of(partition)};
    }
    number = e->identity.number;
  }
  using kind = seek_target::kind;
  const auto range = ask_range(number);
  if (!range && target.what == kind::position) return seek_place{target.position};
  if (!range) return range.error();
  if (target.what == kind::earliest) return seek_place{range->low, range->low};
  if (target.what == kind::latest) return seek_place{range->high, range->low};
  if (target.what == kind::position) {
    if (target.position >= range->low && target.position <= range->high)
      return seek_place{target.position, range->low};
    return failure{errc::invalid, "partition " + std::to_string(number) + " of the topic `" +
                                      options_.config.topic + "` has the offsets " +
                                      std::to_string(range->low) + " to " +
                                      std::to_string(range->high) + ", not " +
                                      std::to_string(target.position)};
  }
  std::shared_ptr<sources::kafka_source> source;
  {
    const std::lock_guard lock(mutex_);
    source = source_;
  }
  const auto found = source->position_of({schema::kafka_start::from::time, {target.time}}, number,
                                         person_timeout_ms);
  if (!found) return found.error();
  if (*found) return seek_place{**found, range->low};
  return failure{errc::unavailable, "the broker of the source " + name() +
                                        " does not answer: " + source->connection().trouble};
}

result<driver_partition> kafka_driver::reset(partition_id partition) {
  const std::lock_guard lock(mutex_);
  entry* e = find(partition);
  if (e == nullptr) {
    return failure{errc::not_found,
                   "the source " + name() + " has no partition " + storage::hex_of(partition)};
  }
  if (const auto old = e->reader.lock()) old->close();
  entry next;
  next.identity = e->identity;
  ++next.identity.incarnation;
  auto registered = context_.journal.partitions().register_partition(
      storage::partition_kind::kafka, sources::partition_name(next.identity), "");
  if (!registered) return registered.error();
  next.id = registered->id;
  *e = std::move(next);
  ++resets_;
  all_found_ = false;  // until it is known where it begins
  changed_.notify_all();
  return describe(*e);
}

}  // namespace windrow::sources
