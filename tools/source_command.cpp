#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "schema/compile.hpp"
#include "sources/file_source.hpp"
#include "sources/partition_name.hpp"
#include "storage/folder.hpp"
#include "storage/journal.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/text.hpp"

namespace windrow::tools {
namespace {

struct source_arguments {
  std::string data;
  std::string name;
  std::string input;
};

/// Where the folder's declarations say that the source is.
result<std::string> declared_path(const storage::folder& folder, const std::string& name) {
  const auto declarations = schema::decode_catalog(folder.catalog());
  if (!declarations.ok()) return declarations.error();
  const auto plan = schema::compile_catalog(declarations.value());
  if (!plan.ok()) return plan.error();
  std::string names;
  for (const schema::source& s : plan.value()->sources) {
    names += (names.empty() ? "" : ", ") + s.name;
    if (s.name != name) continue;
    if (s.kind == schema::source_kind::file && s.path != "-") return s.path;
    return failure{errc::invalid, "the source `" + name + "` is declared without a file; say which "
                                  "one was read with --input PATH"};
  }
  return failure{errc::not_found, "there is no source `" + name + "`; there are: " + names};
}

/// The identities under which the folder has read the file.
std::vector<sources::file_identity> known_identities(const storage::journal& journal,
                                                     const std::string& path) {
  std::vector<sources::file_identity> out;
  for (const storage::partition& p : journal.partitions()) {
    if (p.kind != storage::partition_kind::file) continue;
    auto known = sources::parse_file_partition_name(p.name);
    if (known.ok() && known->path == path) out.push_back(std::move(known).value());
  }
  return out;
}

/// One that the folder has not seen: where the file begins as before, it is known by less of it.
result<sources::file_identity> new_identity(const std::string& path,
                                            const std::vector<sources::file_identity>& known) {
  std::size_t head_bytes = sources::head_bytes_max;
  while (head_bytes > 0) {
    const auto now = sources::identify(path, head_bytes);
    if (!now.ok()) return now.error();
    if (!now->has_value()) {
      return failure{errc::invalid, path + " is empty; an empty file cannot be told from another. "
                                    "Reset the source once it has lines"};
    }
    if (std::find(known.begin(), known.end(), **now) == known.end()) return **now;
    head_bytes = (*now)->head_size - 1;
  }
  return failure{errc::invalid, path + " has been reset too often; read it under another name"};
}

int reset(const source_arguments& given) {
  auto folder = storage::folder::open(given.data, {});
  if (!folder.ok()) return fail(folder.error());
  auto path = declared_path(folder.value(), given.name);
  if (!given.input.empty() && (path.ok() || path.error().code == errc::invalid)) {
    path = std::filesystem::absolute(given.input).lexically_normal().string();
  }
  if (!path.ok()) return fail(path.error());

  storage::journal::options options;
  options.directory = folder->journal_directory();
  options.identity = folder->journal_identity();
  options.map_bytes = folder->map_bytes();
  auto journal = storage::journal::open(options);
  if (!journal.ok()) return fail(journal.error());
  const auto known = known_identities(*journal.value(), path.value());
  if (known.empty()) {
    return fail({errc::not_found, path.value() + " has not been read into " + given.data +
                                      "; say which file was, with --input PATH"});
  }
  const auto identity = new_identity(path.value(), known);
  if (!identity.ok()) return fail(identity.error());
  const auto done = journal.value()->register_partition(
      storage::partition_kind::file, sources::partition_name(identity.value()), "");
  if (!done.ok()) return fail(done.error());
  print(printable(given.name + ": the next run reads " + path.value() +
                  " from its beginning, as new input") + "\n");
  note("what was read before stays counted; lines that are still in the file count again");
  return exit_success;
}

}  // namespace

void add_source_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("source", "Change how a source is read on");
  command->require_subcommand(1);
  CLI::App* resetting = command->add_subcommand(
      "reset", "Give up the position in a file that became shorter or is another one");
  auto given = std::make_shared<source_arguments>();
  resetting->add_option("SOURCE", given->name, "Declared name")->required()->type_name("");
  resetting->add_option("--data", given->data, "Folder with the state")
      ->required()->type_name("DIR");
  resetting->add_option("--input", given->input,
                        "The file, where run was given another than declared")
      ->type_name("PATH");
  resetting->footer(
      "The next run reads the file from its beginning. What was read before stays counted.\n\n"
      "Example:\n  windrow source reset transactions --data state");
  resetting->callback([given, &chosen] { chosen = [given] { return reset(*given); }; });
}

}  // namespace windrow::tools
