#include "server/client.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "server/problem.hpp"

namespace windrow::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using stream = beast::basic_stream<asio::generic::stream_protocol,
                                   asio::io_context::executor_type>;

/// Answers are of a node that is trusted, and as long as they are.
constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 32;

std::string name_of(const address& where) {
  if (where.local) return where.path;
  const bool six = where.host.find(':') != std::string::npos;
  return (six ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

failure unreachable(const address& where, const error_code& why) {
  return {errc::closed, "no node answers at " + name_of(where) + ": " + why.message()};
}

result<asio::generic::stream_protocol::endpoint> endpoint_of(asio::io_context& io,
                                                             const address& where) {
  error_code failed;
  asio::ip::tcp::resolver names(io);
  const auto found = names.resolve(where.host, std::to_string(where.port), failed);
  if (failed || found.empty()) return unreachable(where, failed);
  return asio::generic::stream_protocol::endpoint(found.begin()->endpoint());
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
      return step(where, [&](auto done) {
        stream_.async_connect(asio::generic::stream_protocol::endpoint(to), done);
      });
    }
    auto to = endpoint_of(io_, where);
    if (!to) return to.error();
    return step(where, [&](auto done) { stream_.async_connect(*to, done); });
  }

  result<http::response<http::string_body>> ask(const http::request<http::string_body>& what) {
    stream_.expires_after(options_.answer_time);
    auto written = step(options_.where, [&](auto done) {
      http::async_write(stream_, what, [done](error_code e, std::size_t) { done(e); });
    });
    // A server that refuses may answer before it has read everything.
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    beast::flat_buffer buffer;
    auto read = step(options_.where, [&](auto done) {
      http::async_read(stream_, buffer, parser, [done](error_code e, std::size_t) { done(e); });
    });
    if (!read) return written ? read.error() : written.error();
    return parser.release();
  }

private:
  template <class Begin>
  result<void> step(const address& where, Begin&& begin) {
    error_code failed;
    begin([&failed](const error_code& e) { failed = e; });
    io_.restart();
    io_.run();
    if (failed) return unreachable(where, failed);
    return {};
  }

  const client_options& options_;
  asio::io_context io_{1};
  stream stream_;
};

}  // namespace

result<std::string> client::ask(std::string_view method, std::string_view target,
                                std::string_view body, std::string_view type) const {
  if (options_.where.tls) return failure{errc::invalid, "https is not spoken yet"};
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
