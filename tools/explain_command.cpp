#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "schema/check_report.hpp"
#include "tools/arguments.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/report_explain.hpp"

namespace windrow::tools {
namespace {

struct explain_arguments {
  std::string data;
  std::string entity;
  std::string feature;
  std::optional<std::string> now;
  std::size_t limit = 100;
  bool json = false;
};

/// How the window of that canonical name is folded; empty for a name that is no window's.
explain_context context_of(const schema::plan& plan, const std::string& feature) {
  explain_context context;
  for (const schema::window_value& v : plan.window_values) {
    if (v.fqn != feature) continue;
    const schema::rule& rule = plan.rules[static_cast<std::size_t>(v.rule)];
    context.aggregation = std::string(to_string(rule.function)) + " of " +
                          schema::describe_series(plan, rule.series);
    context.bucket_duration = plan.tilings[static_cast<std::size_t>(rule.tiling)].duration;
  }
  return context;
}

int explain(const explain_arguments& given) {
  const auto entity = parse_entity(given.entity);
  if (!entity.ok()) return fail_usage(entity.error());
  timestamp now = wall_clock();
  if (given.now) {
    const auto asked = parse_now(*given.now);
    if (!asked.ok()) return fail_usage(asked.error());
    now = asked.value();
  }
  auto node = open_to_look(given.data);
  if (!node.ok()) return fail(node.error());
  const auto found = node.value()->explain(entity.value(), given.feature, now);
  if (!found.ok()) return fail(found.error());
  if (found->row.features.size() != 1) {
    return fail({errc::invalid, "`" + given.feature + "` has several windows; explain takes one, "
                                "such as '" + given.feature + "[\"1h\"]'"});
  }
  explain_context context = context_of(node.value()->plan(), found->row.features.front().feature);
  context.now = now;
  context.buckets_max = given.limit;
  print(given.json ? explain_json(found.value(), context)
                   : explain_table(found.value(), context, output_options()));
  return exit_success;
}

}  // namespace

void add_explain_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("explain", "Show the buckets behind one value");
  auto given = std::make_shared<explain_arguments>();
  command->add_option("--data", given->data, "Folder with the state")
      ->required()->type_name("DIR");
  command->add_option("--entity", given->entity, "Whom to ask about")
      ->required()->type_name("CLASS=KEY");
  command->add_option("--feature", given->feature, "One window of a windowed feature")
      ->required()->type_name("NAME");
  command->add_option("--now", given->now,
                      "Where the window ends: RFC 3339 or milliseconds since 1970 (default: the "
                      "clock)")
      ->type_name("TIME");
  command->add_option("--limit", given->limit,
                      "Buckets in the table, the newest (default 100; 0 for all)")
      ->check(CLI::NonNegativeNumber)->type_name("N");
  command->add_flag("--json", given->json, "Print one JSON object, with all buckets");
  command->footer(
      "Example:\n"
      "  windrow explain --data state --entity User=u1 --feature 'sum_amount[\"1h\"]'");
  command->callback([given, &chosen] { chosen = [given] { return explain(*given); }; });
}

}  // namespace windrow::tools
