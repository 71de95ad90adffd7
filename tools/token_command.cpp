#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "server/api/target.hpp"
#include "server/api/tokens.hpp"
#include "storage/folder/folder.hpp"
#include "tools/arguments.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/node_access.hpp"
#include "tools/table.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

struct token_arguments {
  std::string data;
  std::string role;
  std::vector<std::string> classes;
  std::string expires;
  std::string id;
};

/// Tokens belong to a folder that is there: one is not made by a misspelt name.
result<std::string> tokens_file(const std::string& data) {
  struct stat status {};
  if (::stat((data + "/node.meta").c_str(), &status) == 0) return server::tokens_of_folder(data);
  return failure{errc::not_found, data + " is no data folder; `windrow run` makes one"};
}

/// A duration from now, or a time.
result<timestamp> expiry_of(const std::string& text) {
  const auto duration = parse_duration(text);
  if (duration.ok()) return timestamp{wall_clock() + duration.value()};
  auto time = parse_time(text);
  if (time.ok()) return time;
  return failure{errc::invalid, "--expires is `" + text +
                                    "`; write a duration such as 90d, or a "
                                    "time such as 2027-01-01"};
}

/// A misspelt class would make a token that opens nothing.
result<void> check_classes(const token_arguments& given) {
  if (given.classes.empty()) return {};
  const auto node =
      node_access::open({.data = given.data, .connect = {}, .token_file = {}, .ca_file = {}});
  if (!node.ok()) {
    note("the classes were not looked up: " + node.error().message);
    return {};
  }
  for (const std::string& name : given.classes) {
    const auto there = node->get("/v1/entities/" + server::percent_encoded(name) + "/0");
    if (!there.ok() && there.error().code == errc::not_found) return there.error();
  }
  return {};
}

int create(const token_arguments& given) {
  const auto file = tokens_file(given.data);
  if (!file.ok()) return fail(file.error());
  if (auto known = check_classes(given); !known.ok()) return fail(known.error());
  server::token_request wanted;
  wanted.may = server::role_named(given.role).value_or(server::role::reader);
  wanted.classes = given.classes;
  wanted.created = {wall_clock()};
  if (!given.expires.empty()) {
    const auto expires = expiry_of(given.expires);
    if (!expires.ok()) return fail_usage(expires.error());
    wanted.expires = expires.value();
  }
  const auto made = server::make_token(file.value(), wanted);
  if (!made.ok()) return fail(made.error());
  print(made->text + "\n");
  note("the token " + made->what.id +
       " is shown only now; keep it in a file that others cannot "
       "read");
  return exit_success;
}

std::string state_of(const server::token& t, timestamp now) {
  if (t.revoked) return "revoked " + format_time(*t.revoked);
  if (!t.expires) return "valid";
  return (*t.expires <= now ? "expired " : "until ") + format_time(*t.expires);
}

int list(const token_arguments& given) {
  const auto file = tokens_file(given.data);
  if (!file.ok()) return fail(file.error());
  const auto tokens = server::load_tokens(file.value());
  if (!tokens.ok()) return fail(tokens.error());
  if (tokens->empty()) {
    print("no tokens\n");
    return exit_success;
  }
  table t({{"token", align::left},
           {"role", align::left},
           {"classes", align::left},
           {"created", align::left},
           {"state", align::left}});
  for (const auto& [id, one] : tokens.value()) {
    std::string classes, role;
    for (const std::string& name : one.classes) classes += (classes.empty() ? "" : ", ") + name;
    for (const auto r : {server::role::reader, server::role::writer, server::role::admin}) {
      if (one.may.has(r)) role = std::string(server::name_of(r));
    }
    t.row({id, role, classes.empty() ? "all" : classes, format_time(one.created),
           state_of(one, {wall_clock()})});
  }
  print(t.render(output_options()));
  return exit_success;
}

int revoke(const token_arguments& given) {
  const auto file = tokens_file(given.data);
  if (!file.ok()) return fail(file.error());
  const auto done = server::revoke_token(file.value(), given.id, {wall_clock()});
  if (!done.ok()) return fail(done.error());
  print(given.id + " is revoked\n");
  return exit_success;
}

void add_data_option(CLI::App* command, token_arguments& given) {
  command->add_option("--data", given.data, "Folder of the node")->required()->type_name("DIR");
}

}  // namespace

void add_token_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("token", "Tokens of those who may ask a node by TCP");
  command->require_subcommand(1);
  command->footer("A node that runs takes them up by itself, within a second.");
  auto given = std::make_shared<token_arguments>();

  CLI::App* creating = command->add_subcommand("create", "Make a token and print it, once");
  add_data_option(creating, *given);
  creating->add_option("--role", given->role, "reader, writer or admin")
      ->required()
      ->check(CLI::IsMember({"reader", "writer", "admin"}))
      ->type_name("ROLE");
  creating->add_option("--class", given->classes, "Only for that class; may be repeated")
      ->allow_extra_args(false)
      ->type_name("CLASS");
  creating->add_option("--expires", given->expires, "When it ends: 90d, or a time")
      ->type_name("WHEN");
  creating->footer(
      "Example:\n  windrow token create --data state --role reader --expires 90d > token");
  creating->callback([given, &chosen] { chosen = [given] { return create(*given); }; });

  CLI::App* listing = command->add_subcommand("list", "Tokens by their id, which is no secret");
  add_data_option(listing, *given);
  listing->callback([given, &chosen] { chosen = [given] { return list(*given); }; });

  CLI::App* revoking = command->add_subcommand("revoke", "End a token");
  revoking->add_option("ID", given->id, "Of the list")->required()->type_name("");
  add_data_option(revoking, *given);
  revoking->callback([given, &chosen] { chosen = [given] { return revoke(*given); }; });
}

}  // namespace windrow::tools
