#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/human.hpp"
#include "tools/node_access.hpp"
#include "tools/report_deadletters.hpp"

namespace windrow::tools {
namespace {

struct deadletters_arguments {
  node_address where;
  std::string source;
  std::string reason;
  std::string partition;
  std::optional<std::uint64_t> at;
  std::size_t limit = 20;
  bool raw = false;
  bool json = false;
};

int with_dead_letters(const deadletters_arguments& given, bool whole,
                      std::string (*render)(const dead_letter_listing&)) {
  std::string target = "/v1/dead-letters?limit=" + std::to_string(given.limit) +
                       parameter("source", given.source) + parameter("reason", given.reason) +
                       parameter("partition", given.partition);
  if (given.at) target += "&at=" + std::to_string(*given.at);
  if (whole) target += "&messages=whole";
  return ask_and_print(
      given.where, [&](const node_access& node) { return node.get(target); },
      [&](const std::string& body) -> result<std::string> {
        if (given.json) return as_it_is(body);
        const auto found = server::read_dead_letters(body);
        if (!found.ok()) return found.error();
        return render(found.value());
      });
}

int list(const deadletters_arguments& given) {
  return with_dead_letters(given, false, [](const dead_letter_listing& found) {
    return list_table(found, output_options());
  });
}

int show(const deadletters_arguments& given) {
  return with_dead_letters(given, true, given.raw ? show_raw : show_text);
}

void add_choice_options(CLI::App* command, deadletters_arguments& given) {
  add_node_options(*command, given.where);
  command->add_option("--source", given.source, "Only those of one source")->type_name("NAME");
  command->add_option("--reason", given.reason, "Only those of one reason or phase")
      ->type_name("R");
  command
      ->add_option("--partition", given.partition,
                   "Only those of one partition, as `list --json` names it")
      ->type_name("P");
}

void add_common_options(CLI::App* command, deadletters_arguments& given) {
  add_choice_options(command, given);
  command->add_option("--limit", given.limit, "How many, the newest (default 20; 0 for all)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  command->add_flag("--json", given.json, "Print one JSON object");
}

std::string counted(std::uint64_t count) {
  return count_text(count) + (count == 1 ? " dead letter" : " dead letters");
}

/// `replay` and `drop`: letters leave.
int remove(const deadletters_arguments& given, const std::string& action,
           result<std::string> (*render)(const std::string&)) {
  std::string target = "/v1/dead-letters/" + action + "?" +
                       (parameter("source", given.source) + parameter("reason", given.reason) +
                        parameter("partition", given.partition) +
                        (given.at ? "&at=" + std::to_string(*given.at) : ""));
  if (const auto first = target.find("?&"); first != std::string::npos) target.erase(first + 1, 1);
  if (target.ends_with('?')) target.pop_back();
  return change_and_print(
      given.where, [&](const node_access& node) { return node.post(target, ""); },
      [&](const std::string& body) { return given.json ? as_it_is(body) : render(body); });
}

result<std::string> replayed_text(const std::string& body) {
  const auto done = server::read_replay(body);
  if (!done.ok()) return done.error();
  std::string out = "replayed " + counted(done->replayed) + "\n";
  if (done->cut > 0)
    out += counted(done->cut) + " left: only the beginning of the message was kept\n";
  if (done->undeclared > 0)
    out += counted(done->undeclared) + " left: no declared stream takes them\n";
  return out;
}

result<std::string> dropped_text(const std::string& body) {
  const auto done = server::read_drop(body);
  if (!done.ok()) return done.error();
  return "dropped " + counted(*done) + "\n";
}

void add_removal_options(CLI::App* command, deadletters_arguments& given) {
  add_choice_options(command, given);
  command->add_option("--at", given.at, "Only those at this place, of one partition")
      ->type_name("SEQUENCE");
  command->add_flag("--json", given.json, "Print one JSON object");
}

void add_removals(CLI::App* command, const std::shared_ptr<deadletters_arguments>& given,
                  chosen_command& chosen) {
  CLI::App* replaying = command->add_subcommand(
      "replay", "Send them once more through their streams, and forget them");
  add_removal_options(replaying, *given);
  replaying->footer(
      "For when what was wrong has been put right, or time has passed. Each counts once; one that\n"
      "fails again is a dead letter again.\n\n"
      "Example:\n  windrow deadletters replay --data state --reason future");
  replaying->callback(
      [given, &chosen] { chosen = [given] { return remove(*given, "replay", replayed_text); }; });
  CLI::App* dropping = command->add_subcommand("drop", "Forget them; they stay counted");
  add_removal_options(dropping, *given);
  dropping->footer("Example:\n  windrow deadletters drop --data state --source transactions");
  dropping->callback(
      [given, &chosen] { chosen = [given] { return remove(*given, "drop", dropped_text); }; });
}

}  // namespace

void add_deadletters_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("deadletters", "Look at messages that could not be used");
  command->require_subcommand(1);
  auto given = std::make_shared<deadletters_arguments>();
  CLI::App* listed =
      command->add_subcommand("list", "Where, when and why, a line a message, and counts");
  add_common_options(listed, *given);
  listed->footer("Example:\n  windrow deadletters list --data state --source transactions");
  listed->callback([given, &chosen] { chosen = [given] { return list(*given); }; });

  CLI::App* shown = command->add_subcommand("show", "Whole messages");
  add_common_options(shown, *given);
  shown->add_option("--at", given->at, "Only those at this place, the column `at` of the list")
      ->type_name("SEQUENCE");
  shown->add_flag("--raw", given->raw, "Only the messages' bytes, a line each");
  shown->footer(
      "Examples:\n"
      "  windrow deadletters show --data state --at 1234\n"
      "  windrow deadletters show --data state --limit 0 --raw > failed.ndjson");
  shown->callback([given, &chosen] { chosen = [given] { return show(*given); }; });
  add_removals(command, given, chosen);
}

}  // namespace windrow::tools
