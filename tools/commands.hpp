#pragma once

#include <functional>

namespace CLI {
class App;
}

/// The commands, one source file each. Each adds itself to the command line; once its arguments
/// have been read, `chosen` holds what to run, which returns the exit code.
namespace windrow::tools {

using chosen_command = std::function<int()>;

void add_check_command(CLI::App& app, chosen_command& chosen);
void add_run_command(CLI::App& app, chosen_command& chosen);
void add_query_command(CLI::App& app, chosen_command& chosen);
void add_explain_command(CLI::App& app, chosen_command& chosen);
void add_aggregate_command(CLI::App& app, chosen_command& chosen);
void add_inspect_command(CLI::App& app, chosen_command& chosen);
void add_deadletters_command(CLI::App& app, chosen_command& chosen);
void add_token_command(CLI::App& app, chosen_command& chosen);
void add_source_command(CLI::App& app, chosen_command& chosen);

}  // namespace windrow::tools
