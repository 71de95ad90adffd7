#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "cluster/inputs.hpp"
#include "sources/partition_name.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/human.hpp"
#include "tools/line_numbers.hpp"
#include "tools/report_deadletters.hpp"

namespace windrow::tools {
namespace {

/// Of a file, to find out line numbers: a second or so.
constexpr std::uint64_t counted_bytes_max = std::uint64_t{1} << 30;

struct deadletters_arguments {
  std::string data;
  std::string source;
  std::string reason;
  std::optional<std::uint64_t> at;
  std::size_t limit = 20;
  bool raw = false;
  bool json = false;
};

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
    return found == by_id_.end() ? std::to_string(id) : found->second.name;
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

/// A reason is asked for by its code, its phase, or both: `future`, `time`, `time: future`.
bool is_asked_for(const deadletters_arguments& given, const std::string& phase,
                  const std::string& reason) {
  return given.reason.empty() || given.reason == reason || given.reason == phase ||
         given.reason == phase + ": " + reason;
}

/// Says in which line or push each shown letter stands.
void place(std::vector<letter_line>& letters, const partition_names& partitions) {
  std::map<storage::partition_id, std::vector<std::uint64_t>> ends;
  for (letter_line& shown : letters) {
    const storage::dead_letter& l = shown.letter;
    if (partitions.path(l.partition)) ends[l.partition].push_back(l.at);
    if (!partitions.is_journal(l.partition)) continue;
    shown.where = "push " + count_text(l.at >> cluster::entry_bits) + ", message " +
                  count_text(l.at & cluster::entry_messages_max);
  }
  for (auto& [partition, offsets] : ends) {
    const auto numbers =
        line_numbers(*partitions.path(partition), std::move(offsets), counted_bytes_max);
    for (letter_line& shown : letters) {
      if (shown.letter.partition != partition) continue;
      const auto found = numbers.find(shown.letter.at);
      if (found == numbers.end()) continue;
      shown.line = found->second;
      shown.where = "line " + std::to_string(found->second);
    }
  }
}

result<letter_listing> collect(cluster::node& node, const deadletters_arguments& given) {
  const schema::plan& plan = node.plan();
  if (auto known = check_source(plan, given.source); !known.ok()) return known.error();
  storage::dead_letter_filter filter;
  filter.at = given.at;
  filter.limit = std::numeric_limits<std::size_t>::max();
  auto found = node.journal().dead_letters(filter);
  if (!found.ok()) return found.error();

  const partition_names partitions(node.journal().partitions());
  letter_listing out;
  std::map<storage::partition_id, bool> of_source;
  for (storage::dead_letter& letter : found.value()) {
    std::string source = source_of(plan, letter.stream);
    const bool wanted = given.source.empty() || given.source == source;
    if (wanted) of_source[letter.partition] = true;
    if (!wanted || !is_asked_for(given, letter.phase, letter.reason)) continue;
    out.letters.push_back({std::move(source), partitions.label(letter.partition), "", std::nullopt,
                           std::move(letter)});
  }
  // By arrival; what arrived together stays in the order of its source.
  std::stable_sort(out.letters.begin(), out.letters.end(), [](const auto& a, const auto& b) {
    return a.letter.arrival < b.letter.arrival;
  });
  out.found = out.letters.size();
  if (given.limit != 0 && out.letters.size() > given.limit) {
    out.letters.erase(out.letters.begin(),
                      out.letters.end() - static_cast<std::ptrdiff_t>(given.limit));
  }
  place(out.letters, partitions);
  for (const storage::dead_letter_count& c : node.journal().dead_letter_counts()) {
    if (!is_asked_for(given, c.phase, c.reason)) continue;
    if (!given.source.empty() && !of_source.count(c.partition)) continue;
    out.counts.push_back({partitions.label(c.partition), c.phase, c.reason, c.count});
  }
  return out;
}

template <class Render>
int with_letters(const deadletters_arguments& given, const Render& render) {
  auto node = open_to_look(given.data);
  if (!node.ok()) return fail(node.error());
  const auto found = collect(**node, given);
  if (!found.ok()) return fail(found.error());
  if (given.at && found->letters.empty()) {
    return fail({errc::not_found, "there is no dead letter at " + std::to_string(*given.at) +
                                      "; `windrow deadletters list` shows where they are"});
  }
  print(render(found.value()));
  return exit_success;
}

int list(const deadletters_arguments& given) {
  return with_letters(given, [&](const letter_listing& found) {
    return given.json ? letters_json(found, false) : list_table(found, output_options());
  });
}

int show(const deadletters_arguments& given) {
  return with_letters(given, [&](const letter_listing& found) {
    if (given.json) return letters_json(found, true);
    return given.raw ? show_raw(found) : show_text(found);
  });
}

void add_common_options(CLI::App* command, deadletters_arguments& given) {
  command->add_option("--data", given.data, "Folder with the state")
      ->required()->type_name("DIR");
  command->add_option("--source", given.source, "Only those of one source")->type_name("NAME");
  command->add_option("--reason", given.reason, "Only those of one reason or phase")
      ->type_name("R");
  command->add_option("--limit", given.limit, "How many, the newest (default 20; 0 for all)")
      ->check(CLI::NonNegativeNumber)->type_name("N");
  command->add_flag("--json", given.json, "Print one JSON object");
}

}  // namespace

void add_deadletters_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("deadletters", "Look at messages that could not be used");
  command->require_subcommand(1);
  auto given = std::make_shared<deadletters_arguments>();
  CLI::App* listed =
      command->add_subcommand("list", "Where, when and why, a line a message, and counts");
  add_common_options(listed, *given);
  listed->footer("Example:\n  windrow deadletters list --data state --source transactions");
  listed->callback([given, &chosen] { chosen = [given] { return list(*given); }; });

  CLI::App* shown = command->add_subcommand("show", "Whole messages");
  add_common_options(shown, *given);
  shown->add_option("--at", given->at, "Only the one at this place, the column `at` of the list")
      ->type_name("SEQUENCE");
  shown->add_flag("--raw", given->raw, "Only the messages' bytes, a line each");
  shown->footer(
      "Examples:\n"
      "  windrow deadletters show --data state --at 1234\n"
      "  windrow deadletters show --data state --limit 0 --raw > failed.ndjson");
  shown->callback([given, &chosen] { chosen = [given] { return show(*given); }; });
}

}  // namespace windrow::tools
