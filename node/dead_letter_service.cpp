#include "node/dead_letter_service.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "base/clock.hpp"
#include "node/current_plan.hpp"
#include "node/journal_input.hpp"
#include "node/line_numbers.hpp"
#include "node/push_service.hpp"
#include "node/run_state.hpp"
#include "schema/plan/plan.hpp"
#include "sources/kinds.hpp"

namespace windrow::node {

namespace {

/// Of a file, to find out line numbers: a second or so.
constexpr std::uint64_t counted_bytes_max = std::uint64_t{1} << 30;

/// The partitions of a folder and what they are called.
class partition_labels {
public:
  explicit partition_labels(std::vector<storage::partition> all) {
    for (storage::partition& p : all) by_id_.emplace(p.id, std::move(p));
  }

  /// The path of a file, else the durable name.
  std::string of(storage::partition_id id) const {
    const auto file = path(id);
    const auto found = by_id_.find(id);
    if (file) return *file;
    return found == by_id_.end() ? storage::hex_of(id) : storage::label_of(found->second);
  }
  std::optional<std::string> path(storage::partition_id id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? std::nullopt : sources::path_of(found->second);
  }
  bool is_journal(storage::partition_id id) const {
    const auto found = by_id_.find(id);
    return found != by_id_.end() && found->second.kind == storage::partition_kind::journal;
  }
  /// Those that are called so.
  std::vector<storage::partition_id> named(const std::string& label) const {
    std::vector<storage::partition_id> out;
    for (const auto& [id, p] : by_id_) {
      if (of(id) == label) out.push_back(id);
    }
    return out;
  }

private:
  std::map<storage::partition_id, storage::partition> by_id_;
};

/// The declared source whose messages a letter's stream reads; lines that were too long to be read
/// have their source's name for a stream.
std::string source_of(const schema::plan& plan, const std::string& stream) {
  for (const schema::stream& s : plan.streams) {
    if (s.name == stream) return plan.sources[static_cast<std::size_t>(s.source)].name;
  }
  return stream;
}

/// The streams whose letters are a source's: see `source_of`.
result<std::vector<std::string>> streams_of(const schema::plan& plan, const std::string& source) {
  std::vector<std::string> streams;
  bool declared = false;
  std::string names;
  for (const schema::source& s : plan.sources) {
    names += (names.empty() ? "" : ", ") + s.name;
    declared = declared || s.name == source;
  }
  if (!declared) {
    return failure{errc::not_found, "there is no source `" + source + "`; there are: " + names};
  }
  for (const schema::stream& s : plan.streams) {
    if (plan.sources[static_cast<std::size_t>(s.source)].name == source) streams.push_back(s.name);
  }
  if (!is_declared(plan, source)) streams.push_back(source);
  return streams;
}

/// The selection as the journal understands it, all that pass; with the limit 0, if it names a
/// partition that is not there, none.
result<storage::dead_letter_filter> filter_of(const schema::plan& plan,
                                              const partition_labels& labels,
                                              const dead_letter_selection& what) {
  storage::dead_letter_filter filter;
  filter.limit = std::numeric_limits<std::size_t>::max();
  filter.at = what.at;
  if (!what.reason.empty()) filter.reason = what.reason;
  if (!what.source.empty()) {
    auto streams = streams_of(plan, what.source);
    if (!streams) return streams.error();
    filter.streams = std::move(*streams);
  }
  if (!what.partition.empty()) {
    filter.partitions = labels.named(what.partition);
    if (filter.partitions.empty()) filter.limit = 0;
  }
  return filter;
}

/// Says in which line or push each shown letter stands.
void place(std::vector<dead_letter_line>& dead_letters, const partition_labels& labels) {
  std::map<storage::partition_id, std::vector<std::uint64_t>> ends;
  for (dead_letter_line& shown : dead_letters) {
    const storage::dead_letter& l = shown.letter;
    if (labels.path(l.partition)) ends[l.partition].push_back(l.at);
    if (!labels.is_journal(l.partition)) continue;
    shown.push = l.at >> entry_bits;
    shown.place = l.at & entry_messages_max;
  }
  for (auto& [partition, offsets] : ends) {
    const auto numbers =
        line_numbers(*labels.path(partition), std::move(offsets), counted_bytes_max);
    for (dead_letter_line& shown : dead_letters) {
      if (shown.letter.partition != partition) continue;
      const auto found = numbers.find(shown.letter.at);
      if (found != numbers.end()) shown.line = found->second;
    }
  }
}

/// What was counted of the partitions that are meant. Counts know no source: of one, those of
/// every partition that has letters of it.
result<std::vector<dead_letter_tally>> tallies(storage::journal& journal,
                                               const partition_labels& labels,
                                               const dead_letter_selection& what,
                                               const storage::dead_letter_filter& filter) {
  std::set<storage::partition_id> of_source;
  if (!what.source.empty()) {
    storage::dead_letter_filter any = filter;
    any.limit = std::numeric_limits<std::size_t>::max();
    any.partitions.clear();
    any.reason.reset();
    const auto found = journal.dead_letters().list(any);
    if (!found) return found.error();
    for (const storage::dead_letter& l : *found) of_source.insert(l.partition);
  }
  std::vector<dead_letter_tally> out;
  for (const storage::dead_letter_count& c : journal.dead_letters().counts()) {
    if (!filter.asks_for(c.phase, c.reason)) continue;
    if (!what.source.empty() && !of_source.count(c.partition)) continue;
    if (!what.partition.empty() && what.partition != labels.of(c.partition)) continue;
    out.push_back({labels.of(c.partition), c.phase, c.reason, c.count});
  }
  return out;
}

}  // namespace

result<dead_letter_listing> dead_letter_service::list(const dead_letter_selection& what,
                                                      std::size_t limit) {
  const auto plan = parts_.plan.get();
  const partition_labels labels(parts_.journal.partitions().all());
  const auto filter = filter_of(*plan, labels, what);
  if (!filter) return filter.error();
  auto found = parts_.journal.dead_letters().list(*filter);
  if (!found) return found.error();
  if (what.at && found->empty()) {
    return failure{errc::not_found, "there is no dead letter at " + std::to_string(*what.at) +
                                        "; `windrow deadletters list` shows where they are"};
  }
  // By arrival; what arrived together stays in the order of its source.
  std::stable_sort(found->begin(), found->end(),
                   [](const auto& a, const auto& b) { return a.arrival < b.arrival; });
  dead_letter_listing out;
  out.found = found->size();
  const std::size_t shown = limit == 0 ? found->size() : std::min(limit, found->size());
  for (auto letter = found->end() - static_cast<std::ptrdiff_t>(shown); letter != found->end();
       ++letter) {
    dead_letter_line line;
    line.source = source_of(*plan, letter->stream);
    line.partition = labels.of(letter->partition);
    line.letter = std::move(*letter);
    out.dead_letters.push_back(std::move(line));
  }
  place(out.dead_letters, labels);
  auto counts = tallies(parts_.journal, labels, what, *filter);
  if (!counts) return counts.error();
  out.counts = std::move(*counts);
  return out;
}

result<storage::dead_letter_filter> dead_letter_service::leaving(
    const dead_letter_selection& what) {
  const partition_labels labels(parts_.journal.partitions().all());
  auto filter = filter_of(*parts_.plan.get(), labels, what);
  if (!filter) return filter;
  if (filter->limit == 0) {
    return failure{errc::not_found, "there is no partition `" + what.partition +
                                        "`; `windrow deadletters list` shows which have letters"};
  }
  if (!filter->at) return filter;
  const auto found = parts_.journal.dead_letters().list(*filter);
  if (!found) return found.error();
  for (const storage::dead_letter& letter : *found) {
    const storage::partition_id first = found->front().partition;
    if (letter.partition == first) continue;
    return failure{errc::invalid, "letters of several partitions are at " +
                                      std::to_string(*filter->at) + " (" + labels.of(first) + ", " +
                                      labels.of(letter.partition) +
                                      "); say which partition is meant"};
  }
  return filter;
}

result<storage::replay_outcome> dead_letter_service::replay(const dead_letter_selection& what) {
  const auto call = parts_.state.calls().enter();
  if (auto open = parts_.state.takes_input(call); !open) return open.error();
  const auto filter = leaving(what);
  if (!filter) return filter.error();
  const auto plan = parts_.plan.get();
  auto replayed = parts_.journal.removal().replay(
      *filter, wall_clock(), [&](const std::string& stream) -> std::optional<std::string> {
        if (!is_declared(*plan, stream)) return std::nullopt;
        return stream_tag(stream);
      });
  if (!replayed) return parts_.state.not_journalled(replayed.error());
  parts_.notifier.notify();
  return replayed;
}

result<std::uint64_t> dead_letter_service::drop(const dead_letter_selection& what) {
  const auto call = parts_.state.calls().enter();
  if (auto open = parts_.state.takes_input(call); !open) return open.error();
  const auto filter = leaving(what);
  if (!filter) return filter.error();
  return parts_.journal.removal().drop(*filter);
}

}  // namespace windrow::node
