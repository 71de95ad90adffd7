#include "tools/node_access.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/clock.hpp"
#include "cluster/local_service.hpp"
#include "server/body/problem.hpp"
#include "tools/command_support.hpp"

namespace windrow::tools {
namespace {

result<std::string> read_token(const std::string& path) {
  if (path.empty()) return std::string();
  struct stat status {};
  std::ifstream file(path);
  std::string token;
  if (::stat(path.c_str(), &status) != 0 || !file || !std::getline(file, token)) {
    return failure{errc::io, "cannot read a token from " + path + ": " + std::strerror(errno)};
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 && S_ISREG(status.st_mode)) {
    return failure{errc::invalid,
                   path + " holds a token and others may read it: chmod 600 " + path};
  }
  return token;
}

}  // namespace

void add_node_options(CLI::App& command, node_address& where) {
  CLI::Option* data = command.add_option("--data", where.data,
                                         "Folder with the state; a running node is asked by way "
                                         "of its socket there");
  data->type_name("DIR");
  CLI::Option* connect = command.add_option("--connect", where.connect,
                                            "A running node: http://HOST:PORT, "
                                            "https://HOST:PORT or the path of its "
                                            "socket");
  connect->type_name("URL|SOCKET")->excludes(data);
  command.add_option("--token-file", where.token_file, "File with the token for --connect")
      ->type_name("PATH")
      ->needs(connect);
  command
      .add_option("--ca-file", where.ca_file,
                  "Authority of the node's certificate, PEM; else the system's are trusted")
      ->type_name("PATH")
      ->needs(connect);
}

result<node_access> node_access::open(const node_address& where, bool change) {
  node_access out;
  if (!where.connect.empty()) {
    auto address = server::read_connect_address(where.connect);
    if (!address.ok()) return address.error();
    auto token = read_token(where.token_file);
    if (!token.ok()) return token.error();
    out.remote_ =
        std::make_unique<server::client>(server::client_options{.where = std::move(address).value(),
                                                                .token = std::move(token).value(),
                                                                .ca_file = where.ca_file});
    return out;
  }
  node::node_options changing;
  changing.data = where.data;
  auto local = change ? cluster::open_local_service(changing) : open_read_only(where.data);
  if (local.ok()) {
    out.local_ = std::move(local).value();
    out.api_ = std::make_unique<server::api>(
        *out.local_, server::api_options{.clock = wall_clock, .stopped_folder = true});
    return out;
  }
  if (local.error().code != errc::busy) return local.error();
  server::client_options options;
  options.where.local = true;
  options.where.path = server::socket_of_folder(where.data);
  out.remote_ = std::make_unique<server::client>(options);
  // Not every process that uses a folder listens.
  const auto alive = out.remote_->ask("GET", "/healthz");
  if (!alive.ok() && alive.error().code == errc::unavailable) return local.error();
  return out;
}

result<std::string> node_access::ask(std::string_view method, const std::string& target,
                                     std::string body) const {
  if (remote_) return remote_->ask(method, target, body);
  server::request asked;
  asked.method = std::string(method);
  asked.target = target;
  asked.body = std::move(body);
  asked.headers = {{"content-type", "application/json"}};
  asked.who = server::principal::owner();
  server::response answer = api_->handle(asked);
  if (answer.status != 200) return server::read_problem(answer.status, answer.body);
  return std::move(answer.body);
}

result<void> node_access::finish() { return local_ ? local_->stop() : result<void>{}; }

namespace {

int ask_and_print(const node_address& where, bool change, const asking& ask,
                  const rendering& render) {
  if (where.data.empty() && where.connect.empty()) {
    return fail_usage(
        {errc::invalid, "give --data DIR, or --connect URL|SOCKET of a running node"});
  }
  auto node = change ? node_access::open_to_change(where) : node_access::open(where);
  if (!node.ok()) return fail(node.error());
  const auto body = ask(node.value());
  if (!body.ok()) return fail(body.error());
  if (change) {
    if (auto finished = node->finish(); !finished.ok()) return fail(finished.error());
  }
  const auto text = render(body.value());
  if (!text.ok()) return fail(text.error());
  print(text.value());
  return exit_success;
}

}  // namespace

int ask_and_print(const node_address& where, const asking& ask, const rendering& render) {
  return ask_and_print(where, false, ask, render);
}

int change_and_print(const node_address& where, const asking& ask, const rendering& render) {
  return ask_and_print(where, true, ask, render);
}

result<std::string> as_it_is(const std::string& body) { return body; }

std::string parameter(std::string_view name, std::string_view value) {
  if (value.empty()) return {};
  return "&" + std::string(name) + "=" + server::percent_encoded(value);
}

}  // namespace windrow::tools
