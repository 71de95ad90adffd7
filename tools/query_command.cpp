#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "server/body/query_json.hpp"
#include "tools/arguments.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/node_access.hpp"
#include "tools/report_query.hpp"

namespace windrow::tools {
namespace {

struct query_arguments {
  node_address where;
  std::vector<std::string> entities;
  std::vector<std::string> features;
  std::optional<std::string> now;
  bool json = false;
};

result<query_request> request_of(const query_arguments& given) {
  query_request request;
  for (const std::string& text : given.entities) {
    auto entity = parse_entity(text);
    if (!entity.ok()) return entity.error();
    request.entities.push_back(std::move(entity).value());
  }
  request.features = given.features;
  request.now = timestamp{wall_clock()};
  if (!given.now) return request;
  auto now = parse_now(*given.now);
  if (!now.ok()) return now.error();
  request.now = now.value();
  return request;
}

int query(const query_arguments& given) {
  const auto request = request_of(given);
  if (!request.ok()) return fail_usage(request.error());
  return ask_and_print(
      given.where,
      [&](const node_access& node) {
        return node.post("/v1/query", server::query_request_json(request.value()));
      },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        const auto answer = server::read_query_answer(body);
        if (!answer.ok()) return answer.error();
        return query_table(answer.value(), output_options());
      });
}

}  // namespace

void add_query_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("query", "Ask for features of entities");
  auto given = std::make_shared<query_arguments>();
  add_node_options(*command, given->where);
  command->add_option("--entity", given->entities, "Whom to ask about; may be repeated")
      ->required()
      ->allow_extra_args(false)
      ->type_name("CLASS=KEY");
  command
      ->add_option("--feature", given->features,
                   "What to ask for; may be repeated. Without a window, all of them")
      ->required()
      ->allow_extra_args(false)
      ->type_name("NAME");
  command
      ->add_option("--now", given->now,
                   "Where windows end: RFC 3339 or milliseconds since 1970 (default: the clock)")
      ->type_name("TIME");
  command->add_flag("--json", given->json, "Print one JSON object");
  command->footer(
      "Examples:\n"
      "  windrow query --data state --entity User=u1 --feature name --feature sum_amount\n"
      "  windrow query --data state --entity User=u1 --entity User=u2 \\\n"
      "    --feature 'sum_amount[\"1h\"]' --now 2026-03-01T12:30:00Z --json");
  command->callback([given, &chosen] { chosen = [given] { return query(*given); }; });
}

}  // namespace windrow::tools
