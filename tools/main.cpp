// The command line of windrow: finds the command, runs it, gives its exit code.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/suggest.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/version.hpp"

namespace windrow::tools {
namespace {

constexpr const char* examples =
    "Examples:\n"
    "  windrow check features.yaml\n"
    "  windrow run features.yaml --data state --once\n"
    "  windrow query --data state --entity User=u1 --feature 'sum_amount[\"1h\"]'\n"
    "  windrow explain --data state --entity User=u1 --feature 'sum_amount[\"1h\"]'\n"
    "`windrow COMMAND --help` says more. Exit codes: 0 done, 1 could not, 2 wrong arguments.";

/// The command that was being read: `windrow deadletters list`.
std::string name_of(const CLI::App& app) {
  std::string name = "windrow";
  const CLI::App* at = &app;
  while (true) {
    const auto deeper = at->get_subcommands();
    if (deeper.empty()) return name;
    at = deeper.front();
    name += " " + at->get_name();
  }
}

int wrong_arguments(const CLI::App& app, const CLI::ParseError& why) {
  std::string message = why.what();
  while (message.ends_with('\n')) message.pop_back();
  fail_usage({errc::invalid, message});
  report("Try `" + name_of(app) + " --help`.\n");
  return exit_usage;
}

/// What is wrong with a word that stands where a command's name is due and is none; `help` becomes
/// what to look at.
std::optional<failure> unknown_command(CLI::App& app, std::span<char*> words, std::string& help) {
  CLI::App* at = &app;
  help = "windrow --help";
  for (const std::string word : words) {
    std::vector<std::string> known;
    for (const CLI::App* command : at->get_subcommands({})) known.push_back(command->get_name());
    if (known.empty() || word.starts_with('-')) return std::nullopt;
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      return failure{errc::invalid, no_such("command", word, known)};
    }
    at = at->get_subcommand(word);
    help.insert(help.size() - std::strlen("--help"), word + " ");
  }
  return std::nullopt;
}

int run_command_line(int count, char** words) {
  CLI::App app{"Windowed aggregations per entity, kept up to date while messages stream in."};
  app.name("windrow");
  app.footer(examples);
  app.set_version_flag("--version", version);
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default(false);

  chosen_command chosen;
  add_check_command(app, chosen);
  add_run_command(app, chosen);
  add_query_command(app, chosen);
  add_explain_command(app, chosen);
  add_aggregate_command(app, chosen);
  add_inspect_command(app, chosen);
  add_deadletters_command(app, chosen);
  add_source_command(app, chosen);
  add_token_command(app, chosen);

  if (count <= 1) {
    report(app.help());
    return exit_usage;
  }
  std::string help;
  if (const auto unknown = unknown_command(app, std::span(words + 1, words + count), help)) {
    fail_usage(*unknown);
    report("Try `" + help + "`.\n");
    return exit_usage;
  }
  try {
    app.parse(count, words);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& why) {
    return wrong_arguments(app, why);
  }
  return chosen();
}

}  // namespace
}  // namespace windrow::tools

int main(int count, char** words) {
  using namespace windrow;
  int code = tools::exit_failure;
  try {
    code = tools::run_command_line(count, words);
  } catch (const std::exception& why) {
    code = tools::fail({errc::io, why.what()});
  }
  // An answer that could not be written was not given.
  if (const auto written = tools::print_now({}); !written && code == tools::exit_success) {
    code = tools::fail(written.error());
  }
  return code;
}
