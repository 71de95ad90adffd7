#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/report_sources.hpp"
#include "tools/source_shape.hpp"
#include "tools/text.hpp"

namespace windrow::tools {
namespace {

struct source_arguments {
  std::string data;
  std::string name;
  std::string partition;
  std::string input;
  std::string to;
  bool json = false;

  cluster::source_selection selection() const {
    cluster::source_selection what{name, std::nullopt};
    if (!partition.empty()) what.partition = partition;
    // A file's partition is called by its path.
    if (!input.empty())
      what.partition = std::filesystem::absolute(input).lexically_normal().string();
    return what;
  }
};

/// Of a stopped node: what is steered is its next run.
result<std::unique_ptr<cluster::node>> open_to_steer(const std::string& data) {
  cluster::node_options options;
  options.data = data;
  options.look_only = true;
  return cluster::node::open(options);
}

int list(const source_arguments& given) {
  auto node = open_to_steer(given.data);
  if (!node.ok()) return fail(node.error());
  const auto sources = node.value()->sources();
  if (!sources.ok()) return fail(sources.error());
  print(given.json ? sources_json(*sources) + "\n" : sources_table(*sources, output_options()));
  return exit_success;
}

template <class Do>
int steer(const source_arguments& given, const std::string& nothing, const Do& act) {
  auto node = open_to_steer(given.data);
  if (!node.ok()) return fail(node.error());
  const result<cluster::steering> done = act(**node);
  if (!done.ok()) return fail(done.error());
  if (given.json) {
    print(steering_json(*done) + "\n");
  } else {
    print(done->steps.empty() ? printable(given.name + ": " + nothing) + "\n"
                              : steering_text(*done));
  }
  return exit_success;
}

int pause(const source_arguments& given) {
  return steer(given, "paused before anything was read of it",
               [&](cluster::node& node) { return node.pause_source(given.selection()); });
}

int resume(const source_arguments& given) {
  return steer(given, "is read by the next run",
               [&](cluster::node& node) { return node.resume_source(given.selection()); });
}

int seek(const source_arguments& given) {
  const auto target = parse_seek_target(given.to);
  if (!target.ok()) return fail_usage(target.error());
  return steer(given, "", [&](cluster::node& node) {
    return node.seek_source(given.selection(), *target);
  });
}

int reset(const source_arguments& given) {
  return steer(given, "",
               [&](cluster::node& node) { return node.reset_source(given.selection()); });
}

CLI::App* add(CLI::App* to, const char* name, const char* what,
              const std::shared_ptr<source_arguments>& given) {
  CLI::App* command = to->add_subcommand(name, what);
  command->add_option("--data", given->data, "Folder with the state")
      ->required()->type_name("DIR");
  command->add_flag("--json", given->json, "Print one JSON object");
  return command;
}

CLI::App* add_to_steer(CLI::App* to, const char* name, const char* what,
                       const std::shared_ptr<source_arguments>& given) {
  CLI::App* command = add(to, name, what, given);
  command->add_option("SOURCE", given->name, "Declared name")->required()->type_name("");
  command->add_option("--partition", given->partition,
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

  CLI::App* pausing = add_to_steer(command, "pause", "Read no more of it until it is resumed", given);
  pausing->footer("It stays paused over restarts.\n\n"
                  "Example:\n  windrow source pause transactions --data state");
  pausing->callback([given, &chosen] { chosen = [given] { return pause(*given); }; });

  CLI::App* resuming =
      add_to_steer(command, "resume", "Read on what was paused or has failed", given);
  resuming->footer("Example:\n  windrow source resume transactions --data state");
  resuming->callback([given, &chosen] { chosen = [given] { return resume(*given); }; });

  CLI::App* seeking = add_to_steer(command, "seek", "Read on elsewhere", given);
  seeking->add_option("--to", given->to, "earliest, latest, a position, or a time in RFC 3339")
      ->required()->type_name("PLACE");
  seeking->footer(
      "Ahead, messages in between are passed over for good. Back, nothing changes: what was\n"
      "applied stays applied once, and reading it again counts nothing; see `reset`.\n\n"
      "Examples:\n"
      "  windrow source seek transactions --data state --to latest\n"
      "  windrow source seek transactions --data state --partition 3 --to 120000");
  seeking->callback([given, &chosen] { chosen = [given] { return seek(*given); }; });

  CLI::App* resetting = add_to_steer(
      command, "reset", "Give up the position: read it again from its start, as new input", given);
  resetting->add_option("--input", given->input,
                        "The file, where run was given another than declared")
      ->type_name("PATH");
  resetting->footer(
      "What was read before stays counted; what is still there counts again.\n\n"
      "Example:\n  windrow source reset transactions --data state");
  resetting->callback([given, &chosen] { chosen = [given] { return reset(*given); }; });
}

}  // namespace windrow::tools
