#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "server/api/target.hpp"
#include "server/body/sources_json.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/node_access.hpp"
#include "tools/report_sources.hpp"
#include "tools/text.hpp"

namespace windrow::tools {
namespace {

struct source_arguments {
  node_address where;
  std::string name;
  std::string partition;
  std::string input;
  std::string to;
  bool json = false;
};

int list(const source_arguments& given) {
  return ask_and_print(
      given.where, [](const node_access& node) { return node.get("/v1/sources"); },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        const auto sources = server::read_sources(body);
        if (!sources.ok()) return sources.error();
        return sources_table(*sources, output_options());
      });
}

/// `nothing` is what to say of a source without partitions.
int steer(const source_arguments& given, const std::string& action, const std::string& nothing) {
  server::source_control_request what;
  what.to = given.to;
  if (!given.partition.empty()) what.partition = given.partition;
  // A file's partition is called by its path.
  if (!given.input.empty())
    what.partition = std::filesystem::absolute(given.input).lexically_normal().string();
  const std::string target = "/v1/sources/" + server::percent_encoded(given.name) + "/" + action;
  return ask_and_print(
      given.where,
      [&](const node_access& node) {
        return node.post(target, server::source_control_request_json(what));
      },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        const auto done = server::read_source_control(body);
        if (!done.ok()) return done.error();
        return done->steps.empty() ? printable(given.name + ": " + nothing) + "\n"
                                   : source_control_text(*done);
      });
}

int seek(const source_arguments& given) {
  if (const auto target = server::parse_seek_target(given.to); !target.ok())
    return fail_usage(target.error());
  return steer(given, "seek", "");
}

CLI::App* add(CLI::App* to, const char* name, const char* what,
              const std::shared_ptr<source_arguments>& given) {
  CLI::App* command = to->add_subcommand(name, what);
  add_node_options(*command, given->where);
  command->add_flag("--json", given->json, "Print one JSON object");
  return command;
}

CLI::App* add_to_steer(CLI::App* to, const char* name, const char* what,
                       const std::shared_ptr<source_arguments>& given) {
  CLI::App* command = add(to, name, what, given);
  command->add_option("SOURCE", given->name, "Declared name")->required()->type_name("");
  command
      ->add_option("--partition", given->partition,
                   "Only this one: a file's path, the number of a topic's partition")
      ->type_name("P");
  return command;
}

}  // namespace

void add_source_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("source", "See how sources are read, and change it");
  command->require_subcommand(1);
  auto given = std::make_shared<source_arguments>();

  CLI::App* listing = add(command, "list", "Where each source stands, a line a partition", given);
  listing->footer("Example:\n  windrow source list --data state");
  listing->callback([given, &chosen] { chosen = [given] { return list(*given); }; });

  CLI::App* pausing =
      add_to_steer(command, "pause", "Read no more of it until it is resumed", given);
  pausing->footer(
      "It stays paused over restarts.\n\n"
      "Example:\n  windrow source pause transactions --data state");
  pausing->callback([given, &chosen] {
    chosen = [given] { return steer(*given, "pause", "paused before anything was read of it"); };
  });

  CLI::App* resuming =
      add_to_steer(command, "resume", "Read on what was paused or has failed", given);
  resuming->footer("Example:\n  windrow source resume transactions --data state");
  resuming->callback([given, &chosen] {
    chosen = [given] { return steer(*given, "resume", "is read by the next run"); };
  });

  CLI::App* seeking = add_to_steer(command, "seek", "Read on elsewhere", given);
  seeking->add_option("--to", given->to, "earliest, latest, a position, or a time in RFC 3339")
      ->required()
      ->type_name("PLACE");
  seeking->footer(
      "Ahead, messages in between are passed over for good. Back, nothing changes: what was\n"
      "applied stays applied once, and reading it again counts nothing; see `reset`.\n\n"
      "Examples:\n"
      "  windrow source seek transactions --data state --to latest\n"
      "  windrow source seek transactions --data state --partition 3 --to 120000");
  seeking->callback([given, &chosen] { chosen = [given] { return seek(*given); }; });

  CLI::App* resetting = add_to_steer(
      command, "reset", "Give up the position: read it again from its start, as new input", given);
  resetting
      ->add_option("--input", given->input, "The file, where run was given another than declared")
      ->type_name("PATH");
  resetting->footer(
      "What was read before stays counted; what is still there counts again.\n\n"
      "Example:\n  windrow source reset transactions --data state");
  resetting->callback(
      [given, &chosen] { chosen = [given] { return steer(*given, "reset", ""); }; });
}

}  // namespace windrow::tools
