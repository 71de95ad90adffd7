#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/api/api.hpp"
#include "server/api/limits.hpp"
#include "server/http/tls_options.hpp"

namespace windrow::server {

struct http_options {
  /// Path of the Unix socket, made with mode 0600; a stale one is replaced. The caller holds the
  /// folder's lock, so that nobody else uses it.
  std::string socket;
  /// `127.0.0.1:8800`; empty: the socket alone. Port 0: any that is free.
  std::string listen;
  server::limits limits;
  /// Of TCP. An address that other machines reach needs TLS, and tokens or client certificates.
  tls_options tls;
  /// Files of tokens and of the audit log; empty: neither.
  std::string tokens;
  std::string audit;
};

/// The network in front of an api: HTTP/1.1 on a Unix socket and, where asked, on TCP.
///
/// One thread of its own waits for the network and answers what takes microseconds; the rest is
/// answered by a few workers. Whoever may connect to the Unix socket owns the node.
///
/// Ownership: the api outlives it. `start` and `stop` are called by one thread.
class http_server {
public:
  static result<std::unique_ptr<http_server>> start(api& front, const http_options& options);
  ~http_server();

  /// The TCP port it listens on, 0 without.
  std::uint16_t port() const noexcept;

  /// Takes no more connections, answers the requests that have come, closes the connections.
  /// Returns when that is done or `limits.drain_time` is over. Then the node may stop.
  void stop();

private:
  struct impl;
  explicit http_server(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow::server
