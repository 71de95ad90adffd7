#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "server/http/client.hpp"
#include "windrow/result.hpp"

namespace windrow::server {

/// The client's end of a connection: bytes by TCP, a Unix socket or TLS, each step with a time at
/// which it is given up. Blocks; one thread.
class client_connection {
public:
  using time = std::chrono::steady_clock::time_point;

  /// Connects, and with `where.tls` shakes hands, within `options.connect_time`. `closed` where
  /// nobody listens there, `io` where the server does not prove who it is, `invalid` where the
  /// authority's file cannot be used.
  static result<client_connection> open(const client_options& options);
  ~client_connection();
  client_connection(client_connection&&) noexcept;
  client_connection& operator=(client_connection&&) = delete;

  /// Sends all of it; `closed` where the other side is gone or `until` is over.
  result<void> write(std::string_view bytes, time until);
  /// Receives a byte or more, in `into`; 0 where the other side has said that it is done.
  result<std::size_t> read(std::span<char> into, time until);

private:
  struct impl;
  explicit client_connection(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// How people write an address: `127.0.0.1:8800`, `[::1]:8800`, the path of a socket.
std::string name_of(const address& where);

/// The failure of a server that cannot be asked.
failure unreachable(const address& where, std::string_view why);

}  // namespace windrow::server
