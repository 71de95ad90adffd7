#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "storage/identity.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/report_inspect.hpp"

namespace windrow::tools {
namespace {

struct inspect_arguments {
  std::string data;
  bool verify = false;
  bool json = false;
};

result<inspection> look(cluster::node& node, bool verify) {
  inspection out;
  out.path = node.folder().path();
  out.meta = node.folder().meta();
  auto shards = node.shard_statistics_of_all();
  if (!shards.ok()) return shards.error();
  out.shards = std::move(shards).value();
  storage::journal& journal = node.journal();
  auto stats = journal.stats();
  if (!stats.ok()) return stats.error();
  out.journal_file = journal.data_file();
  out.journal = std::move(stats).value();
  out.last_entry = journal.last();
  out.trimmed_entry = journal.trimmed();
  out.partitions = journal.partitions();
  out.letters = journal.dead_letter_summary();
  if (verify) {
    const auto values = node.verify();
    if (!values.ok()) return values.error();
    out.verified = values.value();
  }
  return out;
}

int inspect(const inspect_arguments& given) {
  auto node = open_to_look(given.data);
  if (!node.ok()) return fail(node.error());
  const auto found = look(**node, given.verify);
  if (!found.ok()) return fail(found.error());
  print(given.json ? inspect_json(found.value()) : inspect_text(found.value(), output_options()));
  return exit_success;
}

}  // namespace

void add_inspect_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("inspect", "Look at a data folder");
  auto given = std::make_shared<inspect_arguments>();
  command->add_option("--data", given->data, "Folder with the state")
      ->required()->type_name("DIR");
  command->add_flag("--verify", given->verify, "Read everything and check every checksum");
  command->add_flag("--json", given->json, "Print one JSON object");
  command->footer(
      "Shows files with their sizes, stripes with their positions, sources and the journal.\n\n"
      "Example:\n  windrow inspect --data state --verify");
  command->callback([given, &chosen] { chosen = [given] { return inspect(*given); }; });
}

}  // namespace windrow::tools
