#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "schema/check_report.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/human.hpp"
#include "tools/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

using all_statistics = std::vector<cluster::node::rule_statistics>;

struct aggregate_arguments {
  std::string data;
  bool json = false;
};

const schema::tiling& tiling_of(const schema::plan& plan, const schema::rule& rule) {
  return plan.tilings[static_cast<std::size_t>(rule.tiling)];
}

const std::string& group_of(const schema::plan& plan, const schema::series& s) {
  return plan.key_spaces[static_cast<std::size_t>(s.key_space)].name;
}

/// `User.sum_amount[10m, 1h], User.mean_amount[1h]`: what reads a rule.
std::string readers_of(const schema::plan& plan, const schema::rule& rule) {
  std::string out;
  int feature = schema::none;
  for (const int index : rule.window_values) {
    const schema::window_value& v = plan.window_values[static_cast<std::size_t>(index)];
    if (v.feature == feature) {
      out += ", ";
    } else {
      const auto& f = plan.windowed_features[static_cast<std::size_t>(v.feature)];
      out += (out.empty() ? "" : "], ") +
             plan.classes[static_cast<std::size_t>(f.entity_class)].name + "." + f.name + "[";
    }
    out += v.all ? "all" : format_duration(v.window);
    feature = v.feature;
  }
  return out.empty() ? out : out + "]";
}

std::string list_table(const schema::plan& plan, const all_statistics& found) {
  if (plan.all_series.empty()) return "no series: no feature is windowed\n";
  table t({{"series, then its rules", align::left}, {"group", align::left},
           {"bucket", align::right}, {"retention", align::right}, {"groups", align::right},
           {"tiles", align::right}, {"bytes", align::right}, {"late", align::right},
           {"features", align::left}});
  for (std::size_t i = 0; i < plan.all_series.size(); ++i) {
    const schema::series& s = plan.all_series[i];
    if (i > 0) t.rule();
    t.row({schema::describe_series(plan, static_cast<int>(i)), group_of(plan, s)});
    for (const int r : s.rules) {
      const schema::rule& rule = plan.rules[static_cast<std::size_t>(r)];
      const auto& n = found[static_cast<std::size_t>(r)];
      t.row({"  " + std::string(to_string(rule.function)), "",
             format_duration(tiling_of(plan, rule).duration), format_duration(rule.retention),
             count_text(n.groups), count_text(n.tiles), bytes_text(n.bytes), count_text(n.late),
             readers_of(plan, rule)});
    }
  }
  t.footer(" Rules with the same group, filter and bucket share their tiles and so their bytes.");
  return t.render(output_options());
}

void write_rule(json_writer& out, const schema::plan& plan, const schema::rule& rule,
                const cluster::node::rule_statistics& n) {
  const schema::tiling& tiling = tiling_of(plan, rule);
  out.begin_object().key("aggregation").string(to_string(rule.function));
  out.key("bucket_seconds").number(static_cast<double>(tiling.duration) / 1e6);
  out.key("origin_seconds").number(static_cast<double>(tiling.origin) / 1e6);
  out.key("retention_seconds").number(static_cast<double>(rule.retention) / 1e6);
  out.key("tiling").integer(rule.tiling);
  out.key("groups").unsigned_integer(n.groups).key("tiles").unsigned_integer(n.tiles);
  out.key("bytes").unsigned_integer(n.bytes).key("late_events").unsigned_integer(n.late);
  out.key("features").begin_array();
  for (const int v : rule.window_values) {
    out.string(plan.window_values[static_cast<std::size_t>(v)].fqn);
  }
  out.end_array().end_object();
}

std::string list_json(const schema::plan& plan, const all_statistics& found) {
  json_writer out;
  out.begin_object().key("catalog_version").integer(plan.catalog_version);
  out.key("series").begin_array();
  for (std::size_t i = 0; i < plan.all_series.size(); ++i) {
    const schema::series& s = plan.all_series[i];
    out.begin_object().key("series").string(schema::describe_series(plan, static_cast<int>(i)));
    out.key("group").string(group_of(plan, s)).key("rules").begin_array();
    for (const int r : s.rules) {
      write_rule(out, plan, plan.rules[static_cast<std::size_t>(r)],
                 found[static_cast<std::size_t>(r)]);
    }
    out.end_array().end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

int list(const aggregate_arguments& given) {
  auto node = open_to_look(given.data);
  if (!node.ok()) return fail(node.error());
  const auto found = node.value()->rule_statistics_of_all();
  if (!found.ok()) return fail(found.error());
  const schema::plan& plan = node.value()->plan();
  print(given.json ? list_json(plan, found.value()) : list_table(plan, found.value()));
  return exit_success;
}

}  // namespace

void add_aggregate_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("aggregate", "Look at materialized aggregations");
  command->require_subcommand(1);
  CLI::App* list_command =
      command->add_subcommand("list", "Series, rules, how much they hold and who reads them");
  auto given = std::make_shared<aggregate_arguments>();
  list_command->add_option("--data", given->data, "Folder with the state")
      ->required()->type_name("DIR");
  list_command->add_flag("--json", given->json, "Print one JSON object");
  list_command->footer("Example:\n  windrow aggregate list --data state");
  list_command->callback([given, &chosen] { chosen = [given] { return list(*given); }; });
}

}  // namespace windrow::tools
