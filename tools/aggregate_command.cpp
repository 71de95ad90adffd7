#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "server/body/aggregates_json.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/human.hpp"
#include "tools/node_access.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

struct aggregate_arguments {
  node_address where;
  bool json = false;
};

std::string list_table(const server::aggregate_listing& what) {
  if (what.all_series.empty()) return "no series: no feature is windowed\n";
  table t({{"series, then its rules", align::left},
           {"group", align::left},
           {"bucket", align::right},
           {"retention", align::right},
           {"groups", align::right},
           {"tiles", align::right},
           {"bytes", align::right},
           {"late", align::right},
           {"features", align::left}});
  for (std::size_t i = 0; i < what.all_series.size(); ++i) {
    const auto& s = what.all_series[i];
    if (i > 0) t.rule();
    t.row({s.text, s.group});
    for (const auto& rule : s.rules) {
      t.row({"  " + rule.aggregation, "", format_duration(rule.bucket),
             format_duration(rule.retention), count_text(rule.holds.groups),
             count_text(rule.holds.tiles), bytes_text(rule.holds.bytes),
             count_text(rule.holds.late), rule.readers});
    }
  }
  t.footer(" Rules with the same group, filter and bucket share their tiles and so their bytes.");
  return t.render(output_options());
}

int list(const aggregate_arguments& given) {
  return ask_and_print(
      given.where, [](const node_access& node) { return node.get("/v1/aggregates"); },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        const auto found = server::read_aggregates(body);
        if (!found.ok()) return found.error();
        return list_table(found.value());
      });
}

}  // namespace

void add_aggregate_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("aggregate", "Look at materialized aggregations");
  command->require_subcommand(1);
  CLI::App* list_command =
      command->add_subcommand("list", "Series, rules, how much they hold and who reads them");
  auto given = std::make_shared<aggregate_arguments>();
  add_node_options(*list_command, given->where);
  list_command->add_flag("--json", given->json, "Print one JSON object");
  list_command->footer("Example:\n  windrow aggregate list --data state");
  list_command->callback([given, &chosen] { chosen = [given] { return list(*given); }; });
}

}  // namespace windrow::tools
