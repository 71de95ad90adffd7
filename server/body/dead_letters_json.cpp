#include "server/body/dead_letters_json.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "node/journal_input.hpp"
#include "server/body/base64.hpp"
#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"
#include "server/body/line_numbers.hpp"
#include "server/body/utf8.hpp"
#include "sources/partition_name.hpp"

namespace windrow::server {
namespace {

using simdjson::dom::element;

/// Of a file, to find out line numbers: a second or so.
constexpr std::uint64_t counted_bytes_max = std::uint64_t{1} << 30;
constexpr std::size_t beginning_bytes = 200;

/// The partitions of a folder and what they are called.
class partition_names {
public:
  explicit partition_names(const std::vector<storage::partition>& all) {
    for (const storage::partition& p : all) by_id_.emplace(p.id, p);
  }

  /// The path of a file, else the durable name.
  std::string label(storage::partition_id id) const {
    const auto file = path(id);
    const auto found = by_id_.find(id);
    if (file) return *file;
    return found == by_id_.end() ? storage::hex_of(id) : storage::label_of(found->second);
  }
  std::optional<std::string> path(storage::partition_id id) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end() || found->second.kind != storage::partition_kind::file) {
      return std::nullopt;
    }
    const auto file = sources::parse_file_partition_name(found->second.name);
    if (!file.ok()) return std::nullopt;
    return file->path;
  }
  bool is_journal(storage::partition_id id) const {
    const auto found = by_id_.find(id);
    return found != by_id_.end() && found->second.kind == storage::partition_kind::journal;
  }

private:
  std::map<storage::partition_id, storage::partition> by_id_;
};

/// The declared source whose messages a letter's stream reads.
std::string source_of(const schema::plan& plan, const std::string& stream) {
  for (const schema::stream& s : plan.streams) {
    if (s.name == stream) return plan.sources[static_cast<std::size_t>(s.source)].name;
  }
  return stream;
}

result<void> check_source(const schema::plan& plan, const std::string& name) {
  if (name.empty()) return {};
  std::string names;
  for (const schema::source& s : plan.sources) {
    if (s.name == name) return {};
    names += (names.empty() ? "" : ", ") + s.name;
  }
  return failure{errc::not_found, "there is no source `" + name + "`; there are: " + names};
}

bool is_asked_for(const dead_letter_filter& filter, const std::string& phase,
                  const std::string& reason) {
  return filter.reason.empty() || filter.reason == reason || filter.reason == phase ||
         filter.reason == phase + ": " + reason;
}

/// Says in which line or push each shown letter stands.
void place(std::vector<letter_line>& letters, const partition_names& partitions) {
  std::map<storage::partition_id, std::vector<std::uint64_t>> ends;
  for (letter_line& shown : letters) {
    const storage::dead_letter& l = shown.letter;
    if (partitions.path(l.partition)) ends[l.partition].push_back(l.at);
    if (!partitions.is_journal(l.partition)) continue;
    shown.push = l.at >> node::entry_bits;
    shown.place = l.at & node::entry_messages_max;
  }
  for (auto& [partition, offsets] : ends) {
    const auto numbers =
        line_numbers(*partitions.path(partition), std::move(offsets), counted_bytes_max);
    for (letter_line& shown : letters) {
      if (shown.letter.partition != partition) continue;
      const auto found = numbers.find(shown.letter.at);
      if (found != numbers.end()) shown.line = found->second;
    }
  }
}

void write_letter(json_writer& out, const letter_line& shown, bool whole) {
  const storage::dead_letter& l = shown.letter;
  out.begin_object().key("source").string(shown.source).key("stream").string(l.stream);
  out.key("partition").string(shown.partition).key("at").unsigned_integer(l.at).key("line");
  shown.line ? out.unsigned_integer(*shown.line) : out.null();
  if (shown.push) out.key("push").unsigned_integer(*shown.push);
  if (shown.push) out.key("place").unsigned_integer(shown.place);
  out.key("phase").string(l.phase).key("reason").string(l.reason);
  out.key("message").string(l.message).key("arrival").time({l.arrival});
  out.key("total_bytes").unsigned_integer(l.total_bytes);
  const std::string_view bytes =
      whole ? std::string_view(l.bytes) : std::string_view(l.bytes).substr(0, beginning_bytes);
  out.key("bytes").string(bytes);
  if (!is_utf8(bytes)) out.key("base64").string(base64(bytes));
  out.end_object();
}

letter_line read_letter(element from) {
  letter_line out;
  out.source = text_of(from, "source");
  out.partition = text_of(from, "partition");
  storage::dead_letter& l = out.letter;
  l.stream = text_of(from, "stream");
  l.at = number_of(from, "at");
  l.phase = text_of(from, "phase");
  l.reason = text_of(from, "reason");
  l.message = text_of(from, "message");
  l.arrival = time_of(from["arrival"]).micros;
  l.total_bytes = number_of(from, "total_bytes");
  l.bytes = text_of(from, "bytes");
  for (const auto [name, value] : simdjson::dom::object(from)) {
    if (name == "line" && !value.is_null()) out.line = std::uint64_t(value);
    if (name == "push") out.push = std::uint64_t(value);
    if (name == "place") out.place = std::uint64_t(value);
    if (name == "base64") l.bytes = from_base64(std::string_view(value)).value_or(l.bytes);
  }
  return out;
}

}  // namespace

result<dead_letter_listing> list_dead_letters(node::node& node, const dead_letter_filter& filter) {
  const schema::plan& plan = node.plan();
  if (auto known = check_source(plan, filter.source); !known.ok()) return known.error();
  storage::dead_letter_filter stored;
  stored.at = filter.at;
  stored.limit = std::numeric_limits<std::size_t>::max();
  auto found = node.journal().letters().list(stored);
  if (!found.ok()) return found.error();

  const partition_names partitions(node.journal().partitions().all());
  dead_letter_listing out;
  std::map<storage::partition_id, bool> of_source;
  for (storage::dead_letter& letter : found.value()) {
    std::string source = source_of(plan, letter.stream);
    const bool wanted = filter.source.empty() || filter.source == source;
    if (wanted) of_source[letter.partition] = true;
    if (!wanted || !is_asked_for(filter, letter.phase, letter.reason)) continue;
    letter_line line;
    line.source = std::move(source);
    line.partition = partitions.label(letter.partition);
    if (!filter.partition.empty() && filter.partition != line.partition) continue;
    line.letter = std::move(letter);
    out.letters.push_back(std::move(line));
  }
  if (filter.at && out.letters.empty()) {
    return failure{errc::not_found, "there is no dead letter at " + std::to_string(*filter.at) +
                                        "; `windrow deadletters list` shows where they are"};
  }
  // By arrival; what arrived together stays in the order of its source.
  std::stable_sort(out.letters.begin(), out.letters.end(), [](const auto& a, const auto& b) {
    return a.letter.arrival < b.letter.arrival;
  });
  out.found = out.letters.size();
  if (filter.limit != 0 && out.letters.size() > filter.limit) {
    out.letters.erase(out.letters.begin(),
                      out.letters.end() - static_cast<std::ptrdiff_t>(filter.limit));
  }
  place(out.letters, partitions);
  for (const storage::dead_letter_count& c : node.journal().letters().counts()) {
    if (!is_asked_for(filter, c.phase, c.reason)) continue;
    if (!filter.source.empty() && !of_source.count(c.partition)) continue;
    if (!filter.partition.empty() && filter.partition != partitions.label(c.partition)) continue;
    out.counts.push_back({partitions.label(c.partition), c.phase, c.reason, c.count});
  }
  return out;
}

result<void> narrow(node::node& node, const std::optional<std::string>& partition,
                    storage::dead_letter_filter& filter) {
  const auto all = node.journal().partitions().all();
  const partition_names names(all);
  if (partition) {
    for (const storage::partition& p : all) {
      if (names.label(p.id) == *partition) filter.partitions.push_back(p.id);
    }
    if (filter.partitions.empty())
      return failure{errc::not_found, "there is no partition `" + *partition +
                                          "`; `windrow deadletters list` shows which have letters"};
  }
  if (!filter.at) return {};
  const auto found = node.journal().letters().list(filter);
  if (!found) return found.error();
  for (const storage::dead_letter& letter : *found) {
    if (letter.partition == found->front().partition) continue;
    return failure{errc::invalid,
                   "letters of several partitions are at " + std::to_string(*filter.at) + " (" +
                       names.label(found->front().partition) + ", " +
                       names.label(letter.partition) + "); say which partition is meant"};
  }
  return {};
}

std::string letters_json(const dead_letter_listing& what, bool whole) {
  json_writer out;
  out.begin_object().key("found").unsigned_integer(what.found).key("counts").begin_array();
  for (const letter_count& c : what.counts) {
    out.begin_object().key("partition").string(c.partition).key("phase").string(c.phase);
    out.key("reason").string(c.reason).key("messages").unsigned_integer(c.count).end_object();
  }
  out.end_array().key("letters").begin_array();
  for (const letter_line& shown : what.letters) write_letter(out, shown, whole);
  out.end_array().end_object();
  return out.take() + "\n";
}

result<dead_letter_listing> read_letters(std::string_view json) {
  return with_json<dead_letter_listing>(
      json, errc::io, "the answer", [](element root) -> result<dead_letter_listing> {
        dead_letter_listing out;
        out.found = number_of(root, "found");
        for (const element c : simdjson::dom::array(root["counts"])) {
          out.counts.push_back({text_of(c, "partition"), text_of(c, "phase"), text_of(c, "reason"),
                                number_of(c, "messages")});
        }
        for (const element l : simdjson::dom::array(root["letters"])) {
          out.letters.push_back(read_letter(l));
        }
        return out;
      });
}

std::string replay_json(const storage::replay_outcome& done) {
  json_writer out;
  out.begin_object().key("replayed").unsigned_integer(done.replayed);
  out.key("cut").unsigned_integer(done.cut);
  out.key("undeclared").unsigned_integer(done.undeclared).end_object();
  return out.take() + "\n";
}

result<storage::replay_outcome> read_replay(std::string_view json) {
  using outcome = storage::replay_outcome;
  return with_json<outcome>(json, errc::io, "the answer", [](element root) -> result<outcome> {
    return outcome{number_of(root, "replayed"), number_of(root, "cut"),
                   number_of(root, "undeclared")};
  });
}

std::string drop_json(std::uint64_t dropped) {
  json_writer out;
  out.begin_object().key("dropped").unsigned_integer(dropped).end_object();
  return out.take() + "\n";
}

result<std::uint64_t> read_drop(std::string_view json) {
  return with_json<std::uint64_t>(
      json, errc::io, "the answer",
      [](element root) -> result<std::uint64_t> { return number_of(root, "dropped"); });
}

}  // namespace windrow::server
