#include "tests/storage/shard_property.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "tests/storage/memory_records.hpp"
#include "tests/storage/random_history.hpp"
#include "tests/storage/test_batch.hpp"
#include "tests/support/oracle.hpp"

namespace windrow::storage::testing {

using windrow::testing::oracle_function;

oracle_function function_of(const schema::plan& p, const schema::rule& r) {
  using schema::aggregation;
  switch (r.function) {
    case aggregation::count:
      return oracle_function::count;
    case aggregation::min:
      return oracle_function::min;
    case aggregation::max:
      return oracle_function::max;
    case aggregation::mean:
      return oracle_function::mean;
    case aggregation::std:
      return oracle_function::std;
    case aggregation::var:
      return oracle_function::var;
    case aggregation::approx_count_distinct:
      return oracle_function::distinct;
    case aggregation::any:
      return oracle_function::any;
    case aggregation::all:
      return oracle_function::all;
    case aggregation::sum:
      break;
  }
  const auto& partials = p.tilings[static_cast<std::size_t>(r.tiling)].partials;
  const bool whole =
      partials[static_cast<std::size_t>(r.value_partial)].kind == schema::partial_kind::sum_int;
  return whole ? oracle_function::sum_int : oracle_function::sum_float;
}

value argument_of(const event& e, int column) {
  switch (column) {
    case column_a:
      return e.a ? value{*e.a} : value{null{}};
    case column_b:
      return value{e.b};
    case column_c:
      return e.c ? value{*e.c} : value{null{}};
    case column_t:
      return value{e.t};
    case column_f:
      return value{e.f};
    case column_g:
      return value{e.g};
    case column_h:
      return e.h ? value{*e.h} : value{null{}};
    default:
      return value{null{}};
  }
}

std::string show(const value& v) {
  std::ostringstream out;
  out.precision(17);
  if (v.is_null())
    out << "null";
  else if (const auto* i = std::get_if<std::int64_t>(&v))
    out << *i;
  else if (const auto* d = std::get_if<double>(&v))
    out << *d << "f";
  else if (const auto* s = std::get_if<std::string>(&v))
    out << '"' << *s << '"';
  else
    out << "?";
  return out.str();
}

namespace {

/// A shard, what is stored of it, the messages there are, and how far they have been sent.
class history {
public:
  explicit history(std::uint64_t seed)
      : random_(seed), maker_(random_plan(random_)), plan_(plan_maker(maker_).make()) {
    events_ = random_events(random_, *plan_, static_cast<std::size_t>(random_.between(300, 4'000)));
    for (std::size_t i = 0; i < events_.size(); ++i) {
      by_partition_[events_[i].partition].push_back(events_[i]);
      for (std::size_t k = 0; k < plan_->key_spaces.size(); ++k) {
        if (events_[i].keys[k]) rows_of_[{static_cast<int>(k), *events_[i].keys[k]}].push_back(i);
      }
    }
    options_.folder_seed = folder_seed;
    options_.memory_budget =
        static_cast<std::size_t>(random_.of<std::int64_t>({20'000, 300'000, 600'000, 1 << 30}));
    open();
  }

  std::optional<std::string> run() {
    while (!problem_ && sent_ < events_.size()) step();
    if (!problem_) finish();
    return problem_;
  }

private:
  void fail(const std::string& what) {
    if (!problem_) problem_ = what + " (after " + std::to_string(crashes_) + " crashes)";
  }
  template <class T>
  bool good(const result<T>& r, const char* what) {
    if (!r) fail(std::string(what) + ": " + r.error().message);
    return r.ok();
  }

  void open() {
    auto opened = shard_core::open(plan_, options_, records_, records_.besides());
    if (!good(opened, "open")) return;
    core_ = std::move(*opened);
    const positions resume = core_->progress().resume_positions();
    senders_.clear();
    told_.clear();
    sent_ = 0;
    for (auto& [partition, events] : by_partition_) {
      const auto at = resume.find(partition);
      told_[partition] = at == resume.end() ? 0 : at->second;
      next_[partition] = static_cast<std::size_t>(
          std::partition_point(events.begin(), events.end(),
                               [&](const event& e) { return e.at <= told_[partition]; }) -
          events.begin());
      sent_ += next_[partition];
    }
  }

  /// Each partition is cut by the clocks of its own.
  sender& sender_of(partition_id partition) {
    const auto [found, fresh] = senders_.try_emplace(partition, plan_);
    if (fresh) found->second.start_at(core_->progress().resume_clocks(partition));
    return found->second;
  }

  void crash() {
    ++crashes_;
    core_.reset();
    pending_.clear();
    open();
    if (!problem_) check_all();
  }

  void step() {
    const std::int64_t what = random_.between(0, 399);
    if (what < 200)
      apply();
    else if (what < 215)
      core_->begin_cycle();
    else if (what < 275)
      write();
    else if (what < 335)
      commit_one();
    else if (what < 360)
      core_->evict(static_cast<std::size_t>(random_.between(1, 5'000)));
    else if (what < 375)
      sweep(random_.between(1, 300));
    else if (what < 395)
      check_some();
    else
      crash();
  }

  void apply() {
    auto at = by_partition_.begin();
    std::advance(at, random_.between(0, static_cast<std::int64_t>(by_partition_.size()) - 1));
    auto& [partition, events] = *at;
    std::size_t& next = next_[partition];
    const std::size_t end =
        std::min(events.size(), next + static_cast<std::size_t>(random_.between(0, 60)));
    const std::span<const event> run(events.data() + next, end - next);
    sequence last = run.empty() ? told_[partition] : run.back().at;
    if (end < events.size()) last += random_.chance(0.3) ? (events[end].at - 1 - last) : 0;
    const batch_ptr b = sender_of(partition).cut(run, partition, told_[partition] + 1, last);
    if (b->last < b->first && !run.empty()) return fail("a batch ends before it begins");
    auto applied = core_->apply(*b);
    if (!good(applied, "apply")) return;
    if (random_.chance(0.05)) {  // delivered twice
      auto again = core_->apply(*b);
      if (good(again, "apply again") && (again->rows != 0 || again->late != 0))
        return fail("a batch counted twice");
    }
    told_[partition] = std::max(told_[partition], last);
    next = end;
    sent_ += run.size();
  }

  void write() {
    auto w =
        core_->next_write(static_cast<std::size_t>(random_.of<std::int64_t>({1, 3'000, 100'000})));
    if (!w) return;
    w->seal(folder_seed);
    for (std::size_t i = 0; i < w->entries.size(); ++i) {
      const storage_key& key = w->entries[i].key;
      if (i > 0 && w->entries[i - 1].key >= key) fail("a write is not in strict key order");
    }
    pending_.push_back(std::move(w));
    if (random_.chance(0.3)) core_->evict();  // what is being written must stay
  }

  // The writer thread may finish the writes of different stripes in any order.
  void commit_one() {
    if (pending_.empty()) return;
    const auto at =
        pending_.begin() + random_.between(0, static_cast<std::int64_t>(pending_.size()) - 1);
    records_.commit(**at);
    core_->committed(**at);
    pending_.erase(at);
  }

  void sweep(std::int64_t times) {
    while (times-- > 0 && !problem_) good(core_->sweep(), "sweep");
  }

  void checkpoint_all() {
    while (!pending_.empty()) commit_one();
    for (int i = 0; i < 2 && !problem_; ++i) {  // the first may be a cycle that is half done
      core_->begin_cycle();
      while (core_->cycle_active() && !problem_) {
        write();
        if (pending_.empty()) return fail("a cycle stands still");
        while (!pending_.empty()) commit_one();
      }
    }
  }

  // ---- what must hold ----

  void check_some() {
    for (int i = 0; i < 6 && !problem_; ++i) {
      auto at = rows_of_.begin();
      std::advance(at, random_.between(0, static_cast<std::int64_t>(rows_of_.size()) - 1));
      check_key(at->first.first, at->first.second, random_.chance(0.3));
    }
  }

  void check_all() {
    for (const auto& [name, rows] : rows_of_) {
      if (problem_) return;
      check_key(name.first, name.second, random_.chance(0.05));
    }
    std::set<std::pair<int, std::string>> seen;
    const auto kept = core_->holds();
    std::vector<record_pool::held> counted(kept.size());
    auto visited = core_->for_each_record([&](const record_pool& pool, record& r) {
      if (!seen.insert({r.space, std::string(pool.key(r))}).second) fail("a record is there twice");
      if (pool.holds() != kept) return;  // stored: it is read for this call alone
      ++counted[r.space].records;
      counted[r.space].buckets += buckets_of(pool, r);
    });
    good(visited, "visit");
    if (counted != kept) fail("the pool's count of its records and buckets is wrong");
  }

  static std::uint64_t buckets_of(const record_pool& pool, const record& r) {
    std::uint64_t n = 0;
    const auto& lanes = pool.layout(r.space).lanes;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      if (lanes[lane].level == 0) n += pool.tile_count(r, static_cast<int>(lane));
    }
    if (const auto* d = pool.directory(r)) {
      for (const auto& s : d->segments) n += lanes[s.lane].level == 0 ? s.count : 0;
    }
    return n;
  }

  /// The key's answers must be those of its rows up to the positions that the answer states.
  void check_key(int space, const std::string& key, bool explained) {
    lookup_request request;
    request.key_space = space;
    request.key = key;
    request.hash = hash_of(*plan_, space, key);
    for (std::size_t i = 0; i < plan_->window_values.size(); ++i) {
      if (space_of(static_cast<int>(i)) == space)
        request.window_values.push_back(static_cast<int>(i));
    }
    if (space == 0) {
      for (std::size_t i = 0; i < plan_->scalars.size(); ++i)
        request.scalars.push_back(static_cast<int>(i));
    }
    for (int i = 0; i < 2 && !problem_; ++i) {
      request.now = random_now(request.window_values);
      auto answer = core_->lookup(request);
      if (!good(answer, "lookup")) return;
      const auto oracle = oracle_of(space, key, answer->position);
      for (std::size_t k = 0; k < request.window_values.size(); ++k) {
        check_window(oracle, key, request.window_values[k], request.now, answer->windows[k]);
        if (explained && !problem_)
          check_explained(request, request.window_values[k], answer->windows[k]);
      }
      for (std::size_t k = 0; k < request.scalars.size(); ++k) {
        check_scalar(key, request.scalars[k], answer->position, answer->scalars[k]);
      }
    }
  }

  int space_of(int window_value) const {
    const auto& r = plan_->rules[static_cast<std::size_t>(
        plan_->window_values[static_cast<std::size_t>(window_value)].rule)];
    return plan_->tilings[static_cast<std::size_t>(r.tiling)].key_space;
  }

  std::int64_t random_now(const std::vector<int>& window_values) {
    if (window_values.empty()) return 0;
    const auto& w = plan_->window_values[static_cast<std::size_t>(random_.of(window_values))];
    const auto& t = plan_->tilings[static_cast<std::size_t>(
        plan_->rules[static_cast<std::size_t>(w.rule)].tiling)];
    const std::int64_t max_event_time =
        core_->max_event_times()[static_cast<std::size_t>(t.watermark_group)];
    const std::int64_t near = max_event_time == no_time ? events_.front().time : max_event_time;
    return near + random_.between(-random_.of({t.duration, w.window, t.retention}),
                                  random_.of({t.duration, w.window}));
  }

  windrow::testing::oracle_row row_of(const event& e, const std::string& key, int space) const {
    windrow::testing::oracle_row row{key, e.time, {}};
    for (std::size_t i = 0; i < plan_->rules.size(); ++i) {
      const auto& t = plan_->tilings[static_cast<std::size_t>(plan_->rules[i].tiling)];
      const bool passed = t.key_space == space && maker_.feeds(e.stream, t.watermark_group) &&
                          column_true(e, maker_.filter(t.watermark_group));
      row.cells.push_back({passed, argument_of(e, maker_.argument(static_cast<int>(i)))});
    }
    return row;
  }

  bool applied(const event& e, const positions& position) const {
    const auto at = position.find(e.partition);
    return at != position.end() && e.at <= at->second;
  }

  windrow::testing::window_oracle oracle_of(int space, const std::string& key,
                                            const positions& position) const {
    windrow::testing::window_oracle oracle;
    for (const std::size_t i : rows_of_.at({space, key})) {
      if (applied(events_[i], position)) oracle.add(row_of(events_[i], key, space));
    }
    // What is expired is judged from the newest event of the whole shard.
    for (std::size_t k = 0; k < plan_->watermark_groups.size(); ++k) {
      windrow::testing::oracle_row row{"another key", core_->max_event_times()[k], {}};
      if (row.time == no_time) continue;
      for (const schema::rule& r : plan_->rules) {
        row.cells.push_back({plan_->tilings[static_cast<std::size_t>(r.tiling)].watermark_group ==
                                 static_cast<int>(k),
                             {}});
      }
      oracle.add(std::move(row));
    }
    return oracle;
  }

  windrow::testing::oracle_window window_of(int window_value) const {
    const auto& w = plan_->window_values[static_cast<std::size_t>(window_value)];
    const auto& r = plan_->rules[static_cast<std::size_t>(w.rule)];
    const auto& t = plan_->tilings[static_cast<std::size_t>(r.tiling)];
    return {static_cast<std::size_t>(w.rule),
            function_of(*plan_, r),
            w.window,
            t.duration,
            t.origin,
            r.retention};
  }

  void check_window(const windrow::testing::window_oracle& oracle, const std::string& key,
                    int window_value, std::int64_t now, const window_answer& got) {
    const auto wanted = oracle.ask(key, window_of(window_value), now);
    std::string what;
    if (wanted.error) {
      if (got.value || got.value.error().code != *wanted.error) {
        what = "wanted " + std::string(to_string(*wanted.error)) + ", got " +
               (got.value ? show(*got.value) : std::string(to_string(got.value.error().code)));
      }
    } else if (!got.value) {
      what = "wanted " + show(wanted.value) + ", got " + got.value.error().message;
    } else if (!wanted.agrees(*got.value)) {
      what = "wanted " + show(wanted.value) + ", got " + show(*got.value);
    } else if (got.events != wanted.events) {
      what =
          "wanted " + std::to_string(wanted.events) + " events, got " + std::to_string(got.events);
    }
    if (what.empty() && (got.from != wanted.from || got.to != wanted.to)) what = "another interval";
    if (what.empty()) return;
    const auto& w = plan_->window_values[static_cast<std::size_t>(window_value)];
    const auto& r = plan_->rules[static_cast<std::size_t>(w.rule)];
    fail(key + " " + w.fqn + " (" + std::string(to_string(r.function)) + " over " +
         std::to_string(w.window) + ", bucket " +
         std::to_string(plan_->tilings[static_cast<std::size_t>(r.tiling)].duration) + ") at " +
         std::to_string(now) + ": " + what);
  }

  void check_explained(lookup_request request, int window_value, const window_answer& got) {
    request.window_values = {window_value};
    auto buckets = core_->explain(request);
    if (!buckets) {
      if (got.value || got.value.error().code != errc::expired)
        fail("explain: " + buckets.error().message);
      return;
    }
    std::uint64_t events = 0;
    for (const explained_bucket& b : *buckets) {
      events += b.events;
      if (b.start < got.from || b.end > got.to) fail("an explained bucket is outside the interval");
    }
    if (events != got.events)
      fail(request.key + ": the buckets explained have other events than the answer");
  }

  void check_scalar(const std::string& key, int scalar, const positions& position,
                    const std::optional<record_pool::scalar_value>& got) {
    std::int64_t max_event_time = no_time;
    std::vector<value> possible;  // several only where partitions disagree about one time
    for (const std::size_t i : rows_of_.at({0, key})) {
      const event& e = events_[i];
      if (e.stream != 0 || !applied(e, position) || e.time < max_event_time) continue;
      if (e.time > max_event_time) possible.clear();
      max_event_time = e.time;
      possible.push_back(argument_of(e, maker_.scalar_column(scalar)));
    }
    if (possible.empty() != !got) return fail(key + ": a scalar is " + (got ? "there" : "missing"));
    if (!got) return;
    if (got->time != max_event_time) return fail(key + ": a scalar of another time");
    if (std::find(possible.begin(), possible.end(), got->value) == possible.end()) {
      fail(key + ": the scalar is " + show(got->value) + ", not " + show(possible.back()));
    }
  }

  void finish() {
    check_all();
    if (problem_) return;
    checkpoint_all();
    crash();
    if (problem_) return;
    const positions resume = core_->progress().resume_positions();
    for (const auto& [partition, events] : by_partition_) {
      const auto at = resume.find(partition);
      if (at == resume.end() || at->second < events.back().at)
        return fail("the end is not the resume position");
    }
    check_newest();
    check_late();
    if (!problem_) check_expiry();
  }

  void check_newest() {
    for (std::size_t k = 0; k < plan_->watermark_groups.size(); ++k) {
      if (core_->max_event_times()[k] != max_event_time_of(events_, k))
        return fail("another newest time");
      for (const auto& [partition, events] : by_partition_) {
        if (core_->progress().resume_clocks(partition)[k] != max_event_time_of(events, k))
          return fail("a partition's clock is another");
      }
    }
  }

  std::int64_t max_event_time_of(const std::vector<event>& events,
                                 std::size_t watermark_group) const {
    std::int64_t max_event_time = no_time;
    const auto space = static_cast<std::size_t>(plan_->watermark_groups[watermark_group].key_space);
    for (const event& e : events) {
      if (e.keys[space] && maker_.feeds(e.stream, static_cast<int>(watermark_group)) &&
          column_true(e, maker_.filter(static_cast<int>(watermark_group))))
        max_event_time = std::max(max_event_time, e.time);
    }
    return max_event_time;
  }

  /// Late rows by rule, each judged by the rows of its own partition before it, however the
  /// partitions interleave and however often they are read again.
  std::vector<std::uint64_t> late_rows(const std::vector<event>& of_partition) const {
    std::vector<windrow::testing::window_oracle> oracles(plan_->key_spaces.size());
    for (const event& e : of_partition) {
      for (std::size_t k = 0; k < oracles.size(); ++k) {
        if (e.keys[k]) oracles[k].add(row_of(e, *e.keys[k], static_cast<int>(k)));
      }
    }
    std::vector<std::uint64_t> late;
    for (std::size_t i = 0; i < plan_->rules.size(); ++i) {
      const auto& t = plan_->tilings[static_cast<std::size_t>(plan_->rules[i].tiling)];
      const windrow::testing::oracle_window w{
          i, oracle_function::count, t.duration, t.duration, t.origin, plan_->rules[i].retention};
      late.push_back(oracles[static_cast<std::size_t>(t.key_space)].late(w));
    }
    return late;
  }

  void check_late() {
    std::vector<std::uint64_t> wanted_by_rule(plan_->rules.size());
    for (const auto& [partition, events] : by_partition_) {
      const auto late = late_rows(events);
      for (std::size_t i = 0; i < late.size(); ++i) wanted_by_rule[i] += late[i];
    }
    const auto late = core_->progress().late_by_rule();
    for (std::size_t i = 0; i < plan_->rules.size(); ++i) {
      const std::uint64_t wanted = wanted_by_rule[i];
      if (late[i] != wanted) {
        return fail("rule " + std::to_string(i) + ": " + std::to_string(late[i]) +
                    " late rows, wanted " + std::to_string(wanted));
      }
    }
  }

  void make_room() {
    checkpoint_all();
    for (int k = 0; k < 200; ++k) core_->evict();
  }

  event event_at(std::int64_t time, int stream) {
    event e;
    e.partition = 1, e.time = time, e.stream = stream;
    e.keys.assign(plan_->key_spaces.size(), "the last key");
    return e;
  }

  /// A batch of partition 1 that no oracle is told of.
  bool send(std::vector<event> events) {
    auto& last = told_[1];
    const sequence first = last + 1;
    for (event& e : events) e.at = ++last;
    return good(core_->apply(*sender_of(1).cut(events, 1, first, last)), "apply");
  }

  // Long after everything: what has expired must leave memory and storage.
  void check_expiry() {
    std::int64_t longest = 1, time = 0;
    for (const schema::tiling& t : plan_->tilings) longest = std::max(longest, t.retention);
    for (const event& e : events_) time = std::max(time, e.time);
    // Once more of every key, so that expiry finds records in memory, too.
    std::vector<event> again;
    for (const auto& [name, rows] : rows_of_) {
      again.push_back(event_at(time, 1));
      again.back().keys.assign(plan_->key_spaces.size(), std::nullopt);
      again.back().keys[static_cast<std::size_t>(name.first)] = name.second;
    }
    if (!send(again)) return;
    make_room();
    time += 100 * longest;
    if (!send({event_at(time, 0), event_at(time, 1)})) return;
    for (int k = 0; k < 4; ++k) {  // expiry waits while memory is above its budget
      make_room();
      sweep(256);
    }
    make_room();
    if (!problem_) check_stored();
  }

  // Only what holds something is stored: scalars, or the last two rows; and no segment of others.
  void check_stored() {
    std::set<key_hash> holding;
    for (const auto& [name, rows] : rows_of_) {
      const bool scalar = name.first == 0 && !plan_->scalars.empty() &&
                          std::any_of(rows.begin(), rows.end(),
                                      [&](std::size_t i) { return events_[i].stream == 0; });
      if (scalar) holding.insert(hash_of(*plan_, name.first, name.second));
    }
    for (std::size_t k = 0; k < plan_->key_spaces.size(); ++k) {
      holding.insert(hash_of(*plan_, static_cast<int>(k), "the last key"));
    }
    for (const auto& [key, bytes] : records_.records()) {
      const record_name name = read_record_key(key);
      if (!holding.count(name.hash)) return fail("a record is still stored that holds nothing");
      if (checked_body(key, folder_seed, core_->layouts(), memory_records::bytes_of(bytes)).empty())
        return fail("a wrong checksum");
      if (name.segment != 0) return fail("a segment is still stored that has expired");
    }
    for (std::size_t i = 0; i < plan_->window_values.size() && !problem_; ++i) {
      if (!maker_.feeds(0, watermark_group_of(static_cast<int>(i)))) continue;
      lookup_request request;
      request.key_space = space_of(static_cast<int>(i));
      request.key = "the last key";
      request.hash = hash_of(*plan_, request.key_space, request.key);
      request.window_values = {static_cast<int>(i)};
      request.now = core_->max_event_times()[static_cast<std::size_t>(
          watermark_group_of(static_cast<int>(i)))];
      auto answer = core_->lookup(request);
      if (good(answer, "lookup") && answer->windows[0].events == 0) fail("the last row is gone");
    }
  }

  int watermark_group_of(int window_value) const {
    const auto& r = plan_->rules[static_cast<std::size_t>(
        plan_->window_values[static_cast<std::size_t>(window_value)].rule)];
    return plan_->tilings[static_cast<std::size_t>(r.tiling)].watermark_group;
  }

  dice random_;
  plan_maker maker_;
  schema::plan_ptr plan_;
  std::map<partition_id, sender> senders_;
  shard_options options_;
  memory_records records_;
  std::unique_ptr<shard_core> core_;
  std::vector<std::shared_ptr<stripe_write>> pending_;
  std::vector<event> events_;
  std::map<partition_id, std::vector<event>> by_partition_;
  std::map<std::pair<int, std::string>, std::vector<std::size_t>> rows_of_;
  std::map<partition_id, std::size_t> next_;
  positions told_;
  std::size_t sent_ = 0;
  int crashes_ = 0;
  std::optional<std::string> problem_;
};

}  // namespace

std::optional<std::string> run_shard_history(std::uint64_t seed) { return history(seed).run(); }

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace windrow::storage::testing
