#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "server/address.hpp"
#include "windrow/result.hpp"

namespace windrow::server {

struct client_options {
  address where;
  std::string token;  ///< empty: none
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds answer_time{600'000};
};

/// Asks a running node, for commands. Blocks; one request at a time, a connection each.
class client {
public:
  explicit client(client_options options) : options_(std::move(options)) {}

  /// The body of a 2xx answer; a problem becomes the failure it stands for. `closed` where nobody
  /// listens there.
  result<std::string> ask(std::string_view method, std::string_view target,
                          std::string_view body = {},
                          std::string_view type = "application/json") const;

private:
  client_options options_;
};

}  // namespace windrow::server
