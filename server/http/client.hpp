#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "server/http/address.hpp"
#include "windrow/result.hpp"

namespace windrow::server {

struct client_options {
  address where;
  std::string token;  ///< empty: none
  /// Of `https`: PEM of the authority that vouches for the node; empty: those of the system. The
  /// certificate must be for the host of the address.
  std::string ca_file;
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds answer_time{600'000};
};

/// Asks a running node, for commands. Blocks; one request at a time, a connection each.
class client {
public:
  explicit client(client_options options) : options_(std::move(options)) {}

  /// The body of a 2xx answer; a problem becomes the failure it stands for. `closed` where nobody
  /// listens there, `io` where the node does not prove who it is.
  result<std::string> ask(std::string_view method, std::string_view target,
                          std::string_view body = {},
                          std::string_view type = "application/json") const;

private:
  client_options options_;
};

}  // namespace windrow::server
