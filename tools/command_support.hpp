#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/service.hpp"
#include "schema/compile.hpp"
#include "tools/table.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// What the commands share: printing, terminals, files. Exit codes are part of the
/// interface: scripts depend on them.
namespace windrow::tools {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;
inline constexpr int exit_usage = 2;

/// Writes an answer to standard output.
void print(std::string_view text);
/// Writes to standard output, at once: for programs that wait for it. Fails where anything that was
/// printed, also before, could not be written. One thread at a time.
result<void> print_now(std::string_view text);
/// Writes to standard error.
void report(std::string_view text);
/// `windrow: note: ...` on standard error.
void note(std::string_view message);
/// `windrow: error: ...` on standard error; the exit code of a command that failed.
int fail(const failure& why);
/// The same for wrong arguments.
int fail_usage(const failure& why);

/// Whether the descriptor is a terminal.
bool is_terminal(int descriptor);
/// Columns of the terminal, or 0 if it is none.
std::size_t terminal_width(int descriptor);
/// How tables are printed on standard output: colours and the width of a terminal, or neither.
table_options output_options();

/// Reads and compiles a declaration file. A failure is a file that cannot be read; what is wrong
/// inside it is among the diagnostics.
result<schema::compiled> compile_file(const std::string& path);

/// Opens a folder for a command that only looks.
result<std::unique_ptr<cluster::service>> open_read_only(const std::string& data);

}  // namespace windrow::tools
