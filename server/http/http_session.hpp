#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/api/access.hpp"
#include "server/api/api.hpp"
#include "server/api/audit_log.hpp"
#include "server/api/limits.hpp"
#include "server/http/connection_table.hpp"

namespace windrow::server {

using executor = boost::asio::io_context::executor_type;
using net_socket =
    boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, executor>;
/// How coroutines of connections wait.
inline constexpr boost::asio::use_awaitable_t<executor> use_task;
using steady_time = std::chrono::steady_clock::time_point;

/// A connection, as the server sees it: it may be told to end, and has a time by which what it is
/// doing must be done. (One timer for all connections looks at them: setting a deadline costs
/// nothing, and one that is over ends the operation, not the connection, so that it can still be
/// answered.)
class connection {
public:
  virtual ~connection() = default;
  /// Ends the operation that is waiting for the network.
  virtual void interrupt() = 0;
  /// The server stops: what has come is answered, nothing more is waited for.
  virtual void last_call() = 0;

  steady_time deadline = steady_time::max();
  bool late = false;  ///< interrupted because the deadline was over
};

/// What all connections of a server share. Used by the network's thread alone, except `workers`.
struct session_context {
  api& front;
  authenticator& access;
  audit_log* audit;  ///< may be null
  const limits& bounds;
  connection_table remote;  ///< connections by TCP
  connection_table local;   ///< of the Unix socket: nobody else takes its places
  boost::asio::thread_pool workers;
  std::unordered_map<connection_id, connection*> connections;
  std::size_t answering = 0;   ///< requests at the workers
  std::size_t body_bytes = 0;  ///< received and not answered yet
  bool draining = false;

  connection_table& table_of(const peer& from) { return from.local ? local : remote; }
};

/// Serves one connection to its end: a coroutine of the network's thread. With `secure`, by TLS.
boost::asio::awaitable<void, executor> serve(session_context& shared, net_socket socket,
                                             connection_id id, peer from,
                                             std::shared_ptr<boost::asio::ssl::context> secure);

}  // namespace windrow::server
