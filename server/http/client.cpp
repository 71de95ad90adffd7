#include "server/http/client.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>

#include "server/body/problem.hpp"
#include "server/http/client_connection.hpp"

namespace windrow::server {
namespace {

namespace http = boost::beast::http;
using answer_parser = http::response_parser<http::string_body>;
using time = client_connection::time;

/// Answers are of a node that is trusted, and as long as they are.
constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 32;
constexpr std::size_t read_bytes = std::size_t{64} << 10;

std::string request_of(const client_options& options, std::string_view method,
                       std::string_view target, std::string_view body, std::string_view type) {
  std::string out;
  out.reserve(512 + body.size());
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
  out.append(options.where.local ? "localhost" : name_of(options.where));
  out.append("\r\nConnection: close\r\n");
  if (!options.token.empty())
    out.append("Authorization: Bearer ").append(options.token).append("\r\n");
  if (!body.empty()) out.append("Content-Type: ").append(type).append("\r\n");
  if (!body.empty() || method == "POST" || method == "PUT") {
    out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return out.append("\r\n").append(body);
}

/// Reads until the answer is whole.
result<void> read_answer(client_connection& from, const address& where, time until,
                         answer_parser& into) {
  std::string buffer(read_bytes, '\0');
  std::size_t held = 0;  // bytes of the buffer that the parser has not taken yet
  while (!into.is_done()) {
    if (held == buffer.size()) buffer.resize(2 * buffer.size());
    const auto got = from.read(std::span(buffer).subspan(held), until);
    if (!got) return got.error();
    boost::system::error_code failed;
    if (*got == 0) {
      failed = http::error::end_of_stream;
      if (into.got_some()) into.put_eof(failed);
      if (failed) return unreachable(where, failed.message());
      continue;
    }
    held += *got;
    std::size_t taken = 0;
    while (taken < held && !into.is_done()) {
      const std::size_t used =
          into.put(boost::asio::buffer(buffer.data() + taken, held - taken), failed);
      taken += used;
      if (failed == http::error::need_more) break;
      if (failed) return unreachable(where, failed.message());
    }
    held -= taken;
    buffer.erase(0, taken).resize(std::max(held, read_bytes));
  }
  return {};
}

}  // namespace

result<std::string> client::ask(std::string_view method, std::string_view target,
                                std::string_view body, std::string_view type) const {
  auto connection = client_connection::open(options_);
  if (!connection) return connection.error();
  const time until = std::chrono::steady_clock::now() + options_.answer_time;
  const auto written = connection->write(request_of(options_, method, target, body, type), until);
  // A server that refuses may answer before it has read everything.
  answer_parser answer;
  answer.eager(true);
  answer.body_limit(answer_bytes_max);
  const auto read = read_answer(*connection, options_.where, until, answer);
  if (!read) return written ? read.error() : written.error();
  const int status = answer.get().result_int();
  if (status < 200 || status > 299) return read_problem(status, answer.get().body());
  return std::move(answer.get().body());
}

}  // namespace windrow::server
