#include "server/metrics/node_metrics.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "node/node_stats.hpp"
#include "server/metrics/metric_families.hpp"

namespace windrow::server {
namespace {

using node::node_stats;
using node::source_totals;
using sources::source_state;
using sources::source_status;

double real(std::uint64_t number) { return static_cast<double>(number); }
double seconds(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

/// Names that get a label of their own: the first ones that are given. The others share one.
class label_names {
public:
  explicit label_names(std::size_t most) : most_(most) {}
  const std::string& of(const std::string& name) {
    if (const auto known = names_.find(name); known != names_.end()) return *known;
    return names_.size() < most_ ? *names_.insert(name).first : other_;
  }
  bool has(const std::string& name) const { return names_.count(name) > 0; }

private:
  const std::size_t most_;
  const std::string other_ = "other";
  std::set<std::string> names_;
};

/// What is pushed has no source of the declarations.
const std::string journal_name = "journal";

/// The same labels in every family: sources in the order of the declarations, and the journal.
label_names source_labels(const node_stats& m) {
  label_names names(node_metrics::sources_max + 1);
  names.of(journal_name);
  for (const source_status& s : m.statuses) names.of(s.source);
  return names;
}

/// One value a label, those of `other` put together.
class by_label {
public:
  template <class Together>
  void put(const std::string& label, double value, Together&& together) {
    const auto [at, fresh] = values_.try_emplace(label, value);
    if (!fresh) at->second = together(at->second, value);
  }
  void put_sum(const std::string& label, double value) {
    put(label, value, [](double a, double b) { return a + b; });
  }
  void put_most(const std::string& label, double value) {
    put(label, value, [](double a, double b) { return std::max(a, b); });
  }
  void write(metric_families& out, const std::string& name) const {
    for (const auto& [label, value] : values_) out.add(value, {{name, label}});
  }

private:
  std::map<std::string, double> values_;
};

prometheus::ClientMetric::Histogram histogram_of(const actors::duration_meter::reading& read) {
  prometheus::ClientMetric::Histogram out;
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < read.classes.size(); ++i) {
    so_far += read.classes[i];
    const bool last = i == actors::duration_meter::ends.size();
    out.bucket.push_back({so_far, last ? std::numeric_limits<double>::infinity()
                                       : seconds(actors::duration_meter::ends[i])});
  }
  out.sample_count = so_far;
  out.sample_sum = static_cast<double>(read.micros) / 1e6;
  return out;
}

void write_messages(metric_families& out, const node_stats& m, label_names& names) {
  std::map<std::string, source_totals> sources;  // by label
  for (const auto& [name, totals] : m.sources) {
    source_totals& sum = sources[names.of(name.empty() ? journal_name : name)];
    sum.read += totals.read;
    sum.read_bytes += totals.read_bytes;
    sum.applied += totals.applied;
    sum.skipped += totals.skipped;
    sum.duplicate += totals.duplicate;
    sum.dead_lettered += totals.dead_lettered;
    sum.late += totals.late;
    sum.max_event_time = std::max(sum.max_event_time, totals.max_event_time);
    for (const auto& [reason, count] : totals.dead_letters) sum.dead_letters[reason] += count;
  }
  out.counter("windrow_messages_read_total", "Messages read since the node started.");
  for (const auto& [name, s] : sources) out.add(real(s.read), {{"source", name}});
  out.counter("windrow_messages_total", "Messages by what became of them, once for each stream.");
  for (const auto& [name, s] : sources) {
    const std::array<std::pair<const char*, std::uint64_t>, 4> outcomes{
        {{"applied", s.applied},
         {"skipped", s.skipped},
         {"duplicate", s.duplicate},
         {"dead_lettered", s.dead_lettered}}};
    for (const auto& [outcome, count] : outcomes)
      out.add(real(count), {{"source", name}, {"outcome", outcome}});
  }
  out.counter("windrow_read_bytes_total", "Bytes of the messages read.");
  for (const auto& [name, s] : sources) out.add(real(s.read_bytes), {{"source", name}});
  out.counter("windrow_late_rows_total", "Rows too old for at least one rule.");
  for (const auto& [name, s] : sources) out.add(real(s.late), {{"source", name}});
  out.gauge("windrow_newest_event_timestamp_seconds", "Newest event time read.");
  std::map<std::string, std::uint64_t> dead_letters;
  for (const auto& [name, s] : sources) {
    if (s.max_event_time != storage::no_time)
      out.add(seconds(s.max_event_time), {{"source", name}});
    for (const auto& [reason, count] : s.dead_letters) dead_letters[reason] += count;
  }
  out.counter("windrow_dead_letters_total", "Messages that could not be used, by reason.");
  for (const auto& [name, count] : dead_letters) {  // `phase: reason`
    const std::size_t cut = std::min(name.find(": "), name.size());
    out.add(real(count), {{"phase", name.substr(0, cut)},
                          {"reason", name.substr(std::min(cut + 2, name.size()))}});
  }
}

void write_sources(metric_families& out, const node_stats& m, label_names& names) {
  by_label bytes, messages, behind;
  const auto lag_in = [&](schema::position_unit unit) -> by_label* {
    switch (unit) {
      case schema::position_unit::bytes:
        return &bytes;
      case schema::position_unit::messages:
        return &messages;
      case schema::position_unit::pushes:  // what waits in the journal has a family of its own
        break;
    }
    return nullptr;
  };
  std::map<std::string, source_state> states;
  for (const source_status& s : m.statuses) {
    const std::string& name = names.of(s.source);
    if (names.has(s.source)) states[name] = s.state;
    for (const auto& p : s.partitions) {
      if (by_label* lag = lag_in(s.unit); lag && p.lag) lag->put_sum(name, real(*p.lag));
      behind.put_most(name, seconds(p.behind.value_or(0)));
    }
  }
  out.gauge("windrow_source_lag_bytes", "Of files: what is there and not read.");
  bytes.write(out, "source");
  out.gauge("windrow_source_lag_messages", "Of topics: what is there and not read.");
  messages.write(out, "source");
  out.gauge("windrow_source_behind_seconds",
            "How long ago what was taken last had arrived, where more is waiting.");
  behind.write(out, "source");
  out.gauge("windrow_source_state", "1 for the state that a source is in.");
  for (const auto& [name, state] : states) {
    for (const auto one : {source_state::running, source_state::waiting, source_state::paused,
                           source_state::failed, source_state::ended}) {
      out.add(one == state ? 1 : 0, {{"source", name}, {"state", sources::to_string(one)}});
    }
  }
}

void write_series(metric_families& out, const node_stats& m) {
  label_names names(node_metrics::series_max);
  by_label late, max_event_time;
  for (const auto& s : m.all_series) {
    const std::string& name = names.of(s.text);
    late.put_sum(name, real(s.late));
    if (s.max_event_time != storage::no_time)
      max_event_time.put_most(name, seconds(s.max_event_time));
  }
  out.counter("windrow_series_late_rows_total",
              "Rows too old for at least one rule of a series, ever.");
  late.write(out, "series");
  out.gauge("windrow_series_newest_event_timestamp_seconds", "Newest event time applied.");
  max_event_time.write(out, "series");
}

void write_state(metric_families& out, const node_stats& m) {
  out.gauge("windrow_entities_in_memory", "Entities, or groups of a join key, in memory.");
  for (const auto& k : m.key_spaces) out.add(real(k.records), {{"key", k.name}});
  out.gauge("windrow_buckets_in_memory", "Their buckets, of all windowed features.");
  for (const auto& k : m.key_spaces) out.add(real(k.buckets), {{"key", k.name}});
  const auto one = [&out](const char* name, const char* help, double value) {
    out.gauge(name, help);
    out.add(value);
  };
  one("windrow_stored_values", "Entities, groups and pieces of them in the files of the shards.",
      real(m.stored_values));
  one("windrow_stored_bytes", "Bytes of those files that are in use.", real(m.stored_bytes));
  one("windrow_file_bytes", "Size of the files of shards and journal.", real(m.file_bytes));
  one("windrow_memory_limit_bytes", "What the process may use: --memory.", real(m.memory_limit));
  one("windrow_state_memory_bytes", "What state takes of it.", real(m.state_memory));
  one("windrow_state_memory_limit_bytes", "What state may take of it.", real(m.state_memory_limit));
  one("windrow_unwritten_bytes", "About what a checkpoint would write now.", real(m.unwritten));
}

void write_durability(metric_families& out, const node_stats& m) {
  out.histogram("windrow_ingest_to_visible_seconds",
                "Of each row, from its arrival until answers have it.");
  out.add(histogram_of(m.visible));
  out.histogram("windrow_checkpoint_duration_seconds",
                "Of a shard's checkpoint, from its beginning until it is on disk.");
  out.add(histogram_of(m.cycles));
  out.histogram("windrow_commit_duration_seconds",
                "Of one transaction of a checkpoint, from asking for it until it is on disk.");
  out.add(histogram_of(m.commits));
  out.counter("windrow_checkpoint_written_bytes_total", "What checkpoints have written.");
  out.add(real(m.written_bytes));
  out.counter("windrow_checkpoint_written_values_total",
              "Entities, groups and pieces of them that checkpoints have written.");
  out.add(real(m.written_values));
  out.gauge("windrow_last_checkpoint_timestamp_seconds",
            "When the last checkpoint ended, of the shard where that is longest ago.");
  if (m.last_cycle > 0) out.add(seconds(m.last_cycle));
  out.counter("windrow_journal_entries_total", "Pushes ever accepted by the folder.");
  out.add(real(m.journal_last));
  out.gauge("windrow_journal_kept_entries", "Pushes that not every shard has on disk yet.");
  out.add(real(m.journal_kept));
  out.gauge("windrow_journal_waiting_entries", "Pushes that are not applied yet.");
  out.add(real(m.journal_waiting));
}

}  // namespace

std::vector<prometheus::MetricFamily> node_metrics::Collect() const {
  metric_families out;
  const auto measured = service_.measure();
  out.gauge("windrow_failed", "1 where the node has stopped taking input.");
  out.add(!measured || measured->failed ? 1 : 0);
  if (measured) {
    label_names sources = source_labels(*measured);
    write_messages(out, *measured, sources);
    write_sources(out, *measured, sources);
    write_series(out, *measured);
    write_state(out, *measured);
    write_durability(out, *measured);
  }
  return std::move(out).take();
}

}  // namespace windrow::server
