#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "schema/check_report.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"

namespace windrow::tools {
namespace {

struct check_arguments {
  std::string file;
  bool json = false;
};

int check(const check_arguments& given) {
  const auto compiled = compile_file(given.file);
  if (!compiled.ok()) return fail(compiled.error());
  const schema::check_report found = schema::make_check_report(compiled.value(), given.file);
  if (given.json) {
    std::string text = schema::to_json(found);
    if (!text.ends_with('\n')) text += '\n';
    print(text);
  }
  if (!found.ok) {
    report(schema::to_text(found));
    return exit_failure;
  }
  if (!given.json) print(schema::to_text(found));
  return exit_success;
}

}  // namespace

void add_check_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("check", "Compile declarations and say what they mean");
  auto given = std::make_shared<check_arguments>();
  command->add_option("FILE", given->file, "YAML file of declarations")->required()->type_name("");
  command->add_flag("--json", given->json, "Print one JSON object");
  command->footer(
      "Prints series, rules, what is stored and which stream updates what. Everything that is\n"
      "wrong is printed with file:line:column, and the exit code is 1.\n\n"
      "Example:\n  windrow check features.yaml");
  command->callback([given, &chosen] { chosen = [given] { return check(*given); }; });
}

}  // namespace windrow::tools
