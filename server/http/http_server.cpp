#include "server/http/http_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <future>
#include <optional>
#include <thread>

#include "base/low_latency_thread.hpp"
#include "server/http/address.hpp"
#include "server/http/http_session.hpp"
#include "server/http/tls.hpp"

namespace windrow::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using unix_socket = asio::local::stream_protocol;
template <class Protocol>
using acceptor = asio::basic_socket_acceptor<Protocol, executor>;

constexpr std::chrono::milliseconds look_interval{50};
/// After accepting failed: there may be no descriptors left for a moment.
constexpr std::chrono::milliseconds accept_pause{50};

failure cannot_listen(const std::string& where, const std::string& why) {
  return {errc::io, "cannot listen on " + where + ": " + why};
}

/// Of the Unix socket: it belongs to whoever runs the node, or to root.
bool is_owner(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return false;
  return who.uid == ::geteuid() || who.uid == 0;
}

}  // namespace

struct http_server::impl {
  impl(api& front, http_options o)
      : options(std::move(o)),
        tokens(options.tokens),
        audit(options.audit),
        access(options.tokens.empty() ? nullptr : &tokens, options.limits.wrong_tokens),
        shared{front,
               access,
               options.audit.empty() ? nullptr : &audit,
               options.limits,
               {options.limits.connections, options.limits.connections_per_address},
               {options.limits.connections_per_address, options.limits.connections_per_address},
               asio::thread_pool(options.limits.workers),
               {},
               0,
               0,
               false},
        timer(io) {}

  result<void> open_socket();
  result<void> open_tcp();
  template <class Protocol>
  asio::awaitable<void, executor> accept_on(acceptor<Protocol>& from);
  template <class Protocol>
  void take(typename Protocol::socket::template rebind_executor<executor>::other socket);
  void look_at_deadlines();
  void begin_drain();
  void end();

  const http_options options;
  token_store tokens;
  audit_log audit;
  authenticator access;
  session_context shared;  // connections that are left at the end refer to it
  asio::io_context io{1};
  std::optional<tls_material> secure;
  std::optional<acceptor<unix_socket>> on_socket;
  std::optional<acceptor<tcp>> on_tcp;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, executor>
      timer;
  connection_id last_id = 0;
  std::thread thread;
};

result<void> http_server::impl::open_socket() {
  auto name = socket_name::of(options.socket);
  if (!name) return name.error();
  error_code failed;
  ::unlink(options.socket.c_str());
  on_socket.emplace(io);
  on_socket->open(unix_socket(), failed);
  if (!failed) on_socket->bind(unix_socket::endpoint(name->text()), failed);
  // Nobody can connect before `listen`, so nobody does before the mode is right.
  if (!failed && ::chmod(options.socket.c_str(), S_IRUSR | S_IWUSR) != 0) {
    return cannot_listen(options.socket, std::strerror(errno));
  }
  if (!failed) on_socket->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return cannot_listen(options.socket, failed.message());
  return {};
}

result<void> http_server::impl::open_tcp() {
  const auto at = read_listen_address(options.listen);
  if (!at) return at.error();
  error_code failed;
  const auto address =
      asio::ip::make_address(at->host == "localhost" ? "127.0.0.1" : at->host, failed);
  if (failed) {
    return failure{errc::invalid, "`" + at->host + "` is no address; write 127.0.0.1 or ::1"};
  }
  if (options.tls.wanted()) {
    auto loaded = tls_material::load(options.tls);
    if (!loaded) return loaded.error();
    secure = std::move(*loaded);
  }
  const bool asks_who = !options.tls.client_ca.empty() || tokens.any({shared.front.clock()});
  if (!address.is_loopback() && !(secure && asks_who)) {
    return failure{errc::invalid,
                   at->host +
                       " is reachable from other machines, which needs TLS (--tls-cert, "
                       "--tls-key) and tokens (`windrow token create`); or listen on "
                       "127.0.0.1 or ::1"};
  }
  const tcp::endpoint endpoint(address, at->port);
  on_tcp.emplace(io);
  on_tcp->open(endpoint.protocol(), failed);
  if (!failed) on_tcp->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) on_tcp->bind(endpoint, failed);
  if (!failed) on_tcp->listen(asio::socket_base::max_listen_connections, failed);
  if (failed) return cannot_listen(options.listen, failed.message());
  return {};
}

template <class Protocol>
void http_server::impl::take(
    typename Protocol::socket::template rebind_executor<executor>::other socket) {
  peer from;
  error_code ignored;
  if constexpr (std::is_same_v<Protocol, tcp>) {
    const auto endpoint = socket.remote_endpoint(ignored);
    if (ignored) return;
    from.address = endpoint.address().to_string();
    socket.set_option(tcp::no_delay(true), ignored);
  } else {
    if (!is_owner(socket.native_handle())) return;
    from.local = true;
    from.address = "socket";
  }
  const connection_id id = ++last_id;
  const auto decided = shared.table_of(from).arrived(id, from.address);
  if (decided.close) {
    if (const auto old = shared.connections.find(*decided.close); old != shared.connections.end()) {
      old->second->interrupt();
    }
  }
  if (!decided.admitted) {
    shared.front.counts().turned_away();
    static const std::string full =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(full), ignored);
    return;
  }
  shared.front.counts().connected();
  std::shared_ptr<asio::ssl::context> by_tls;
  if (secure && !from.local) by_tls = secure->current();
  from.tls = by_tls != nullptr;
  asio::co_spawn(
      io, serve(shared, net_socket(std::move(socket)), id, std::move(from), std::move(by_tls)),
      asio::detached);
}

template <class Protocol>
asio::awaitable<void, executor> http_server::impl::accept_on(acceptor<Protocol>& from) {
  while (from.is_open()) {
    error_code failed;
    auto socket = co_await from.async_accept(asio::redirect_error(use_task, failed));
    if (!failed) {
      take<Protocol>(std::move(socket));
    } else if (failed != asio::error::operation_aborted) {
      decltype(timer) pause(io, accept_pause);
      co_await pause.async_wait(asio::redirect_error(use_task, failed));
    }
  }
}

void http_server::impl::look_at_deadlines() {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [id, one] : shared.connections) {
    if (one->deadline > now) continue;
    one->deadline = steady_time::max();
    one->late = true;
    one->interrupt();
  }
  if (shared.draining && shared.connections.empty()) return end();
  timer.expires_after(look_interval);
  timer.async_wait([this](const error_code& failed) {
    if (!failed) look_at_deadlines();
  });
}

void http_server::impl::begin_drain() {
  shared.draining = true;
  shared.front.drain();
  // Connections that the system has taken for us are ours.
  error_code failed;
  const auto drain = [&](auto& from, auto take_one) {
    if (!from) return;
    from->cancel(failed);
    from->non_blocking(true, failed);
    while (true) {
      auto socket = from->accept(failed);
      if (failed) break;
      take_one(std::move(socket));
    }
    from->close(failed);
  };
  drain(on_socket, [this](auto socket) { take<unix_socket>(std::move(socket)); });
  drain(on_tcp, [this](auto socket) { take<tcp>(std::move(socket)); });
  if (!options.socket.empty()) ::unlink(options.socket.c_str());
  for (const auto& [id, one] : shared.connections) one->last_call();
}

void http_server::impl::end() {
  timer.cancel();
  io.stop();
}

http_server::http_server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

result<std::unique_ptr<http_server>> http_server::start(api& front, const http_options& options) {
  auto i = std::make_unique<impl>(front, options);
  if (!options.socket.empty()) {
    if (auto opened = i->open_socket(); !opened) return opened.error();
    asio::co_spawn(i->io, i->accept_on(*i->on_socket), asio::detached);
  }
  if (!options.listen.empty()) {
    if (auto opened = i->open_tcp(); !opened) return opened.error();
    asio::co_spawn(i->io, i->accept_on(*i->on_tcp), asio::detached);
  }
  i->look_at_deadlines();
  i->thread = std::thread([raw = i.get()] {
    const low_latency_thread soon;
    raw->io.run();
  });
  return std::unique_ptr<http_server>(new http_server(std::move(i)));
}

std::uint16_t http_server::port() const noexcept {
  error_code failed;
  return impl_->on_tcp ? impl_->on_tcp->local_endpoint(failed).port() : 0;
}

void http_server::stop() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->io, [this] { impl_->begin_drain(); });
  // Where a client does not take its answer, the time limit ends it.
  std::promise<void> ended;
  auto done = ended.get_future();
  std::thread waiter([this, &ended] {
    impl_->thread.join();
    ended.set_value();
  });
  if (done.wait_for(impl_->options.limits.drain_time) == std::future_status::timeout) {
    asio::post(impl_->io, [this] { impl_->end(); });
  }
  waiter.join();
  impl_->shared.workers.join();
}

http_server::~http_server() { stop(); }

}  // namespace windrow::server
