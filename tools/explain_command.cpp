#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "server/api/target.hpp"
#include "server/body/query_json.hpp"
#include "tools/arguments.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/node_access.hpp"
#include "tools/report_explain.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

struct explain_arguments {
  node_address where;
  std::string entity;
  std::string feature;
  std::optional<std::string> now;
  std::size_t limit = 100;
  bool json = false;
};

int explain(const explain_arguments& given) {
  const auto entity = parse_entity(given.entity);
  if (!entity.ok()) return fail_usage(entity.error());
  timestamp now{wall_clock()};
  if (given.now) {
    const auto asked = parse_now(*given.now);
    if (!asked.ok()) return fail_usage(asked.error());
    now = asked.value();
  }
  const std::string target = "/v1/explain?class=" + server::percent_encoded(entity->entity_class) +
                             "&key=" + server::percent_encoded(entity->key) +
                             parameter("feature", given.feature) +
                             parameter("now", format_time(now));
  return ask_and_print(
      given.where, [&](const node_access& node) { return node.get(target); },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        auto found = server::read_explanation(body);
        if (!found.ok()) return found.error();
        found->context.buckets_max = given.limit;
        return explain_table(found->what, found->context, output_options());
      });
}

}  // namespace

void add_explain_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("explain", "Show the buckets behind one value");
  auto given = std::make_shared<explain_arguments>();
  add_node_options(*command, given->where);
  command->add_option("--entity", given->entity, "Whom to ask about")
      ->required()
      ->type_name("CLASS=KEY");
  command->add_option("--feature", given->feature, "One window of a windowed feature")
      ->required()
      ->type_name("NAME");
  command
      ->add_option("--now", given->now,
                   "Where the window ends: RFC 3339 or milliseconds since 1970 (default: the "
                   "clock)")
      ->type_name("TIME");
  command
      ->add_option("--limit", given->limit,
                   "Buckets in the table, the newest (default 100; 0 for all)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command->add_flag("--json", given->json, "Print one JSON object, with all buckets");
  command->footer(
      "Example:\n"
      "  windrow explain --data state --entity User=u1 --feature 'sum_amount[\"1h\"]'");
  command->callback([given, &chosen] { chosen = [given] { return explain(*given); }; });
}

}  // namespace windrow::tools
