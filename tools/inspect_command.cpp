#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "server/body/inspection_json.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/node_access.hpp"
#include "tools/report_inspect.hpp"

namespace windrow::tools {
namespace {

struct inspect_arguments {
  node_address where;
  bool verify = false;
  bool json = false;
};

int inspect(const inspect_arguments& given) {
  return ask_and_print(
      given.where,
      [&](const node_access& node) {
        return node.get(given.verify ? "/v1/inspect?verify=true" : "/v1/inspect");
      },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        const auto found = server::read_inspection(body);
        if (!found.ok()) return found.error();
        return inspect_text(found.value(), output_options());
      });
}

}  // namespace

void add_inspect_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("inspect", "Look at a data folder");
  auto given = std::make_shared<inspect_arguments>();
  add_node_options(*command, given->where);
  command->add_flag("--verify", given->verify,
                    "Read everything and check every checksum; for a stopped folder");
  command->add_flag("--json", given->json, "Print one JSON object");
  command->footer(
      "Shows files with their sizes, stripes with their positions, sources and the journal.\n\n"
      "Example:\n  windrow inspect --data state --verify");
  command->callback([given, &chosen] { chosen = [given] { return inspect(*given); }; });
}

}  // namespace windrow::tools
