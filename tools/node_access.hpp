#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/service.hpp"
#include "server/api/api.hpp"
#include "server/http/client.hpp"
#include "windrow/result.hpp"

namespace CLI {
class App;
}

namespace windrow::tools {

/// Where a command finds what it asks: `--data`, or `--connect` with files of a token and of whom
/// to trust.
struct node_address {
  std::string data;
  std::string connect;
  std::string token_file;
  std::string ca_file;
};

/// Adds those flags to a command that asks.
void add_node_options(CLI::App& command, node_address& where);

/// A node to ask: one that runs, or a stopped folder that is opened to look. Both are asked the
/// same way, and answer the same.
class node_access {
public:
  /// A folder that is in use is asked by way of its node's socket.
  static result<node_access> open(const node_address& where) { return open(where, false); }
  /// The same for what changes the state of a stopped folder: a node without sources does it.
  static result<node_access> open_to_change(const node_address& where) { return open(where, true); }
  /// Brings what a stopped folder's node did to disk. Nothing to do for a running one.
  result<void> finish();

  /// The JSON body of the answer, or the failure that a problem stands for.
  result<std::string> get(const std::string& target) const { return ask("GET", target, {}); }
  result<std::string> post(const std::string& target, std::string body) const {
    return ask("POST", target, std::move(body));
  }

private:
  static result<node_access> open(const node_address& where, bool change);
  result<std::string> ask(std::string_view method, const std::string& target,
                          std::string body) const;

  std::unique_ptr<cluster::service> local_;
  std::unique_ptr<server::api> api_;  // of local_
  std::unique_ptr<server::client> remote_;
};

using asking = std::function<result<std::string>(const node_access&)>;
using rendering = std::function<result<std::string>(const std::string& body)>;

/// Asks the node, and prints the answer as `render` makes it of the body: the exit code.
int ask_and_print(const node_address& where, const asking& ask, const rendering& render);

/// The same for what changes the state of a stopped folder, which is on disk when it is said.
int change_and_print(const node_address& where, const asking& ask, const rendering& render);

/// A `rendering` that leaves the body as it is, for `--json`.
result<std::string> as_it_is(const std::string& body);

/// `&name=value`, encoded; nothing if the value is empty.
std::string parameter(std::string_view name, std::string_view value);

}  // namespace windrow::tools
