#include "server/http/client_connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace windrow::server {
namespace {

using clock = std::chrono::steady_clock;

constexpr int retry_milliseconds = 5;

struct freed {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(addrinfo* found) const { ::freeaddrinfo(found); }
};

class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const noexcept { return fd_; }

private:
  int fd_ = -1;
};

/// Waits until the socket is ready for `events`; ETIMEDOUT once `until` is over, else 0.
int wait_for(int fd, short events, clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    if (left <= 0) return ETIMEDOUT;
    pollfd one{fd, events, 0};
    const int ready = ::poll(
        &one, 1, static_cast<int>(std::min<std::int64_t>(left, std::numeric_limits<int>::max())));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

/// Connects a new socket; an error of the system, or 0.
int connect_to(const sockaddr* to, socklen_t size, clock::time_point until, descriptor& out) {
  descriptor made(::socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.get() < 0) return errno;
  int failed = ::connect(made.get(), to, size) == 0 ? 0 : errno;
  while (failed == EAGAIN && clock::now() < until) {  // many want the Unix socket
    ::poll(nullptr, 0, retry_milliseconds);
    failed = ::connect(made.get(), to, size) == 0 ? 0 : errno;
  }
  if (failed == EINPROGRESS || failed == EINTR) {
    failed = wait_for(made.get(), POLLOUT, until);
    socklen_t length = sizeof failed;
    if (failed == 0 && ::getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &failed, &length) != 0) {
      failed = errno;
    }
  }
  if (failed == 0) out = std::move(made);
  return failed;
}

result<descriptor> connect_locally(const address& where, clock::time_point until) {
  auto name = socket_name::of(where.path);
  if (!name) return name.error();
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, name->text().data(), name->text().size());
  descriptor out;
  const int failed = connect_to(reinterpret_cast<const sockaddr*>(&to), sizeof to, until, out);
  if (failed != 0) return unreachable(where, std::strerror(failed));
  return out;
}

/// By the first of the host's addresses that takes it.
result<descriptor> connect_by_tcp(const address& where, clock::time_point until) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int unknown =
      ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &wanted, &list);
  const std::unique_ptr<addrinfo, freed> found(list);
  if (unknown != 0) return unreachable(where, ::gai_strerror(unknown));
  descriptor out;
  int failed = 0;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    failed = connect_to(at->ai_addr, at->ai_addrlen, until, out);
    if (failed == 0) return out;
  }
  return unreachable(where, std::strerror(failed));
}

/// What OpenSSL says went wrong last.
std::string tls_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = ERR_reason_error_string(code);
  const char* library = ERR_lib_error_string(code);
  if (code == 0) return "the connection ended";
  if (!reason) return "error " + std::to_string(code);
  return library ? std::string(reason) + " (" + library + ")" : std::string(reason);
}

failure distrusted(const address& where, const std::string& why) {
  return {errc::io, "the node at " + name_of(where) + " is not trusted: " + why +
                        "; --ca-file names the authority of its certificate"};
}

result<std::unique_ptr<SSL_CTX, freed>> trust_of(const client_options& options) {
  ERR_clear_error();
  std::unique_ptr<SSL_CTX, freed> out(SSL_CTX_new(TLS_client_method()));
  if (!out) return failure{errc::io, "cannot use TLS: " + tls_error()};
  SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER, nullptr);
  const int loaded = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(out.get())
                                             : SSL_CTX_load_verify_locations(
                                                   out.get(), options.ca_file.c_str(), nullptr);
  if (loaded == 1) return out;
  return failure{errc::invalid, "cannot use " + options.ca_file + ": " + tls_error()};
}

/// The certificate must be for this host; what is no address is also asked for by name.
bool expect_host(SSL* session, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  const bool numeric = ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
                       ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
  if (numeric) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  }
  return SSL_set_tlsext_host_name(session, host.c_str()) == 1 &&
         SSL_set1_host(session, host.c_str()) == 1;
}

}  // namespace

std::string name_of(const address& where) {
  if (where.local) return where.path;
  const bool six = where.host.find(':') != std::string::npos;
  return (six ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

failure unreachable(const address& where, std::string_view why) {
  return {errc::closed, "no node answers at " + name_of(where) + ": " + std::string(why)};
}

struct client_connection::impl {
  explicit impl(const address& to) : where(to) {}

  result<void> send(std::string_view bytes, time until);
  result<std::size_t> receive(std::span<char> into, time until);
  result<void> begin_tls(const client_options& options, time until);
  result<void> shake_hands(time until);
  /// Sends what the session has to say.
  result<void> flush(time until);
  /// Gives the session what comes; false at the end.
  result<bool> feed(time until);

  const address where;
  descriptor socket;
  std::unique_ptr<SSL_CTX, freed> trust;
  std::unique_ptr<SSL, freed> session;  // null without TLS
  BIO* incoming = nullptr;              // of the session, like the next
  BIO* outgoing = nullptr;
};

result<void> client_connection::impl::send(std::string_view bytes, time until) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    int failed = errno;
    if (failed == EINTR) continue;
    if (failed == EAGAIN) failed = wait_for(socket.get(), POLLOUT, until);
    if (failed != 0) return unreachable(where, std::strerror(failed));
  }
  return {};
}

result<std::size_t> client_connection::impl::receive(std::span<char> into, time until) {
  while (true) {
    const ssize_t got = ::recv(socket.get(), into.data(), into.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    int failed = errno;
    if (failed == EINTR) continue;
    if (failed == EAGAIN) failed = wait_for(socket.get(), POLLIN, until);
    if (failed != 0) return unreachable(where, std::strerror(failed));
  }
}

result<void> client_connection::impl::flush(time until) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(outgoing, &bytes);
  if (size <= 0) return {};
  auto sent = send({bytes, static_cast<std::size_t>(size)}, until);
  BIO_reset(outgoing);
  return sent;
}

result<bool> client_connection::impl::feed(time until) {
  std::array<char, 16'384> some;
  const auto got = receive(some, until);
  if (!got) return got.error();
  if (*got > 0) BIO_write(incoming, some.data(), static_cast<int>(*got));
  return *got > 0;
}

result<void> client_connection::impl::begin_tls(const client_options& options, time until) {
  auto trusted = trust_of(options);
  if (!trusted) return trusted.error();
  trust = std::move(*trusted);
  session.reset(SSL_new(trust.get()));
  incoming = BIO_new(BIO_s_mem());
  outgoing = BIO_new(BIO_s_mem());
  if (session) SSL_set_bio(session.get(), incoming, outgoing);
  if (!session || !incoming || !outgoing || !expect_host(session.get(), where.host)) {
    return failure{errc::io, "no TLS with the node at " + name_of(where) + ": " + tls_error()};
  }
  return shake_hands(until);
}

result<void> client_connection::impl::shake_hands(time until) {
  while (true) {
    ERR_clear_error();
    const int done = SSL_connect(session.get());
    const int why = SSL_get_error(session.get(), done);
    const std::string said = done == 1 || why == SSL_ERROR_WANT_READ ? "" : tls_error();
    // Also after a failure: the other side is told.
    if (auto told = flush(until); !told && why == SSL_ERROR_WANT_READ) return told;
    if (done == 1) return {};
    if (why != SSL_ERROR_WANT_READ) {
      const long verified = SSL_get_verify_result(session.get());
      if (verified != X509_V_OK) return distrusted(where, X509_verify_cert_error_string(verified));
      return failure{errc::io, "no TLS with the node at " + name_of(where) + ": " + said};
    }
    const auto more = feed(until);
    if (!more) return more.error();
    if (!*more) {
      return failure{errc::io,
                     "no TLS with the node at " + name_of(where) + ": the connection ended"};
    }
  }
}

client_connection::client_connection(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
client_connection::client_connection(client_connection&&) noexcept = default;
client_connection::~client_connection() = default;

result<client_connection> client_connection::open(const client_options& options) {
  const time until = clock::now() + options.connect_time;
  auto made = std::make_unique<impl>(options.where);
  auto socket = options.where.local ? connect_locally(options.where, until)
                                    : connect_by_tcp(options.where, until);
  if (!socket) return socket.error();
  made->socket = std::move(*socket);
  if (!options.where.local && options.where.tls) {
    if (auto secure = made->begin_tls(options, until); !secure) return secure.error();
  }
  return client_connection(std::move(made));
}

result<void> client_connection::write(std::string_view bytes, time until) {
  impl& i = *impl_;
  if (!i.session) return i.send(bytes, until);
  constexpr std::size_t record = 16'384;
  while (!bytes.empty()) {
    const auto some = bytes.substr(0, record);
    ERR_clear_error();
    // What is written goes to memory, which always takes it.
    if (SSL_write(i.session.get(), some.data(), static_cast<int>(some.size())) <= 0) {
      return unreachable(i.where, tls_error());
    }
    if (auto sent = i.flush(until); !sent) return sent;
    bytes.remove_prefix(some.size());
  }
  return {};
}

result<std::size_t> client_connection::read(std::span<char> into, time until) {
  impl& i = *impl_;
  if (!i.session) return i.receive(into, until);
  while (true) {
    ERR_clear_error();
    const int size = static_cast<int>(std::min<std::size_t>(into.size(), 1 << 20));
    const int got = SSL_read(i.session.get(), into.data(), size);
    if (got > 0) return static_cast<std::size_t>(got);
    const int why = SSL_get_error(i.session.get(), got);
    if (why == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
    if (why != SSL_ERROR_WANT_READ) return unreachable(i.where, tls_error());
    if (auto told = i.flush(until); !told) return told.error();
    const auto more = i.feed(until);
    if (!more) return more.error();
    if (!*more) return unreachable(i.where, "the answer was cut off");
  }
}

}  // namespace windrow::server
