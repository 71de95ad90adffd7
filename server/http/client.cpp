#include "server/http/client.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "server/body/problem.hpp"

namespace windrow::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using stream = beast::basic_stream<asio::generic::stream_protocol, asio::io_context::executor_type>;

/// Answers are of a node that is trusted, and as long as they are.
constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 32;

std::string name_of(const address& where) {
  if (where.local) return where.path;
  const bool six = where.host.find(':') != std::string::npos;
  return (six ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

failure unreachable(const address& where, const error_code& why) {
  return {errc::unavailable, "no node answers at " + name_of(where) + ": " + why.message()};
}

result<asio::generic::stream_protocol::endpoint> endpoint_of(asio::io_context& io,
                                                             const address& where) {
  error_code failed;
  asio::ip::tcp::resolver names(io);
  const auto found = names.resolve(where.host, std::to_string(where.port), failed);
  if (failed || found.empty()) return unreachable(where, failed);
  return asio::generic::stream_protocol::endpoint(found.begin()->endpoint());
}

failure distrusted(const address& where, const std::string& why) {
  return {errc::io, "the node at " + name_of(where) + " is not trusted: " + why +
                        "; --ca-file names the authority of its certificate"};
}

result<ssl::context> trust_of(const client_options& options) {
  ssl::context out(ssl::context::tls_client);
  error_code failed;
  SSL_CTX_set_min_proto_version(out.native_handle(), TLS1_2_VERSION);
  out.set_verify_mode(ssl::verify_peer, failed);
  if (options.ca_file.empty()) {
    out.set_default_verify_paths(failed);
  } else {
    out.load_verify_file(options.ca_file, failed);
  }
  if (!failed) return out;
  return failure{errc::invalid, "cannot use " + options.ca_file + ": " + failed.message()};
}

/// One exchange, driven by `io` until each step is done or its time is over.
class exchange {
public:
  explicit exchange(const client_options& options) : options_(options), stream_(io_) {}

  result<void> connect() {
    const address& where = options_.where;
    stream_.expires_after(options_.connect_time);
    if (where.local) {
      auto name = socket_name::of(where.path);
      if (!name) return name.error();
      const asio::local::stream_protocol::endpoint to(name->text());
      return step([&](auto done) {
        stream_.async_connect(asio::generic::stream_protocol::endpoint(to), done);
      });
    }
    auto to = endpoint_of(io_, where);
    if (!to) return to.error();
    auto connected = step([&](auto done) { stream_.async_connect(*to, done); });
    return connected && where.tls ? shake_hands() : connected;
  }

  result<http::response<http::string_body>> ask(const http::request<http::string_body>& what) {
    return secure_ ? ask_by(*secure_, what) : ask_by(stream_, what);
  }

private:
  result<void> shake_hands() {
    auto trust = trust_of(options_);
    if (!trust) return trust.error();
    trust_.emplace(std::move(*trust));
    secure_.emplace(stream_, *trust_);
    const std::string& host = options_.where.host;
    error_code failed;
    asio::ip::make_address(host, failed);
    if (failed) SSL_set_tlsext_host_name(secure_->native_handle(), host.c_str());
    secure_->set_verify_callback(ssl::host_name_verification(host), failed);
    error_code why;
    auto done = step([&](auto then) {
      secure_->async_handshake(ssl::stream_base::client, [then, &why](error_code e) {
        why = e;
        then(e);
      });
    });
    if (done || why == beast::error::timeout) return done;
    const long verified = SSL_get_verify_result(secure_->native_handle());
    if (verified != X509_V_OK)
      return distrusted(options_.where, X509_verify_cert_error_string(verified));
    return failure{errc::io,
                   "no TLS with the node at " + name_of(options_.where) + ": " + why.message()};
  }

  template <class Stream>
  result<http::response<http::string_body>> ask_by(Stream& by,
                                                   const http::request<http::string_body>& what) {
    stream_.expires_after(options_.answer_time);
    auto written = step([&](auto done) {
      http::async_write(by, what, [done](error_code e, std::size_t) { done(e); });
    });
    // A server that refuses may answer before it has read everything.
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    beast::flat_buffer buffer;
    auto read = step([&](auto done) {
      http::async_read(by, buffer, parser, [done](error_code e, std::size_t) { done(e); });
    });
    if (!read) return written ? read.error() : written.error();
    return parser.release();
  }

  template <class Begin>
  result<void> step(Begin&& begin) {
    error_code failed;
    begin([&failed](const error_code& e) { failed = e; });
    io_.restart();
    io_.run();
    if (failed) return unreachable(options_.where, failed);
    return {};
  }

  const client_options& options_;
  asio::io_context io_{1};
  stream stream_;
  std::optional<ssl::context> trust_;
  std::optional<ssl::stream<stream&>> secure_;
};

}  // namespace

result<std::string> client::ask(std::string_view method, std::string_view target,
                                std::string_view body, std::string_view type) const {
  const auto view = [](std::string_view s) { return beast::string_view(s.data(), s.size()); };
  http::request<http::string_body> what;
  what.version(11);
  what.method_string(view(method));
  what.target(view(target));
  what.set(http::field::host, options_.where.local ? "localhost" : name_of(options_.where));
  what.set(http::field::connection, "close");
  if (!options_.token.empty()) {
    what.set(http::field::authorization, "Bearer " + options_.token);
  }
  if (!body.empty()) what.set(http::field::content_type, view(type));
  what.body() = std::string(body);
  what.prepare_payload();

  exchange one(options_);
  if (auto connected = one.connect(); !connected) return connected.error();
  auto got = one.ask(what);
  if (!got) return got.error();
  const int status = got->result_int();
  if (status < 200 || status > 299) return read_problem(status, got->body());
  return std::move(got->body());
}

}  // namespace windrow::server
