#include "server/http/http_session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/low_latency_thread.hpp"
#include "server/api/admission.hpp"
#include "server/body/problem.hpp"

namespace windrow::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using clock = std::chrono::steady_clock;
using boost::system::error_code;
using tls_stream = asio::ssl::stream<net_socket>;
using request_parser = http::request_parser<http::string_body>;

template <class T>
using task = asio::awaitable<T, executor>;

constexpr std::size_t read_bytes = std::size_t{16} << 10;
/// What a client that was refused may still send before its connection is closed hard.
constexpr std::size_t linger_bytes = std::size_t{256} << 10;
constexpr std::chrono::milliseconds linger_time{1'000};
/// How long connections that wait may still send a request when the server stops.
constexpr std::chrono::milliseconds last_call_time{250};

/// The bytes of bodies that are held, while they are.
class held_bytes {
public:
  explicit held_bytes(std::size_t& total) : total_(total) {}
  ~held_bytes() { total_ -= mine_; }
  held_bytes(const held_bytes&) = delete;
  held_bytes& operator=(const held_bytes&) = delete;
  void grow_to(std::size_t bytes) {
    total_ += bytes - mine_;
    mine_ = bytes;
  }

private:
  std::size_t& total_;
  std::size_t mine_ = 0;
};

response busy_now(std::string_view detail) {
  response out = problem(503, "busy", detail);
  out.headers.emplace_back("Retry-After", "1");
  return out;
}

/// Answers on a worker. A client waits, so the thread stays one that runs as soon as it is woken.
response run_on_worker(api& front, const route& to, const call& what) {
  thread_local const low_latency_thread soon;
  return front.run(to, what);
}

response too_slow() { return problem(408, "too_slow", "this request comes too slowly"); }

/// Whether it is the message that is wrong, not the connection.
bool is_malformed(const error_code& why) {
  return why.category() == error_code(http::error::bad_value).category() &&
         why != http::error::end_of_stream && why != http::error::partial_message;
}

/// What a message that cannot be read is answered with.
response refusal_of(const error_code& why) {
  if (why == http::error::header_limit) {
    return problem(431, "header_too_large", "the headers of this request are too long");
  }
  if (why == http::error::body_limit) {
    return problem(413, "too_large", "the body of this request is too long");
  }
  if (why == http::error::bad_version) {
    return problem(505, "version", "this server speaks HTTP/1.1");
  }
  return problem(400, "malformed",
                 "this is no HTTP request that can be understood: " + why.message());
}

/// One connection. Runs on the network's thread, except while a worker answers.
template <class Stream>
class session final : public connection {
public:
  session(session_context& shared, Stream stream, connection_id id, peer from)
      : shared_(shared), stream_(std::move(stream)), id_(id), from_(std::move(from)) {}

  task<void> run();
  void interrupt() override { stream_.lowest_layer().cancel(); }
  void last_call() override {
    if (waiting_) within(last_call_time);
  }

private:
  task<bool> shake_hands();  // of TLS, like the next
  task<void> say_goodbye();
  task<bool> wait_for_request();
  task<bool> serve_request();
  admission admit(request& asked, const target& address, bool has_body);
  task<std::optional<response>> read_body(request_parser& parser, held_bytes& held);
  task<response> answer(const route& to, const request& asked, const target& address,
                        std::vector<std::string> parameters);
  void note(const request& asked, const route* to, const response& out, steady_time began);
  task<void> write(const response& what, bool keep, bool head);
  task<void> linger();
  request request_of(const request_parser& parser) const;
  void within(std::chrono::milliseconds time) { deadline = clock::now() + time; }

  session_context& shared_;
  Stream stream_;
  connection_id id_;
  peer from_;
  beast::flat_buffer buffer_;
  bool waiting_ = false;  // for the first byte of a request
};

template <class Stream>
task<void> session<Stream>::run() {
  shared_.connections[id_] = this;
  // One `co_await` a statement: g++ 12 miscompiles two in one condition.
  bool open = true;
  if constexpr (std::is_same_v<Stream, tls_stream>) open = co_await shake_hands();
  while (open) {
    shared_.table_of(from_).waits(id_);
    open = co_await wait_for_request();
    if (open) open = co_await serve_request();
  }
  if constexpr (std::is_same_v<Stream, tls_stream>) co_await say_goodbye();
  shared_.connections.erase(id_);
  shared_.table_of(from_).left(id_);
  shared_.front.counts().disconnected();
}

template <class Stream>
task<bool> session<Stream>::shake_hands() {
  within(shared_.bounds.header_time);
  error_code failed;
  co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                   asio::redirect_error(use_task, failed));
  if (failed) shared_.front.counts().turned_away();
  co_return !failed;
}

/// The end of TLS, so that the client knows that nothing is missing.
template <class Stream>
task<void> session<Stream>::say_goodbye() {
  within(linger_time);
  error_code failed;
  co_await stream_.async_shutdown(asio::redirect_error(use_task, failed));
}

/// The first byte of the next request; false if there will be none.
template <class Stream>
task<bool> session<Stream>::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  within(shared_.draining ? last_call_time : shared_.bounds.idle_time);
  waiting_ = true;
  error_code failed;
  const std::size_t got = co_await stream_.async_read_some(buffer_.prepare(read_bytes),
                                                           asio::redirect_error(use_task, failed));
  waiting_ = false;
  buffer_.commit(got);
  co_return !failed && got > 0;
}

template <class Stream>
request session<Stream>::request_of(const request_parser& parser) const {
  const auto& message = parser.get();
  request out;
  out.method = std::string(message.method_string());
  out.target = std::string(message.target());
  for (const auto& field : message) {
    auto& [name, value] =
        out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    for (char& c : name) c = beast::detail::ascii_tolower(c);
  }
  out.peer = from_.address;
  return out;
}

/// Says who asks, and whether that is answered; before the body is read.
template <class Stream>
admission session<Stream>::admit(request& asked, const target& address, bool has_body) {
  identity who = shared_.access.identify(from_, asked, {shared_.front.clock()});
  if (who.refused) return {nullptr, {}, std::move(who.refused)};
  asked.who = std::move(who.who);
  return server::admit(asked, address, has_body);
}

/// Reads a request and answers it; whether the connection goes on.
template <class Stream>
task<bool> session<Stream>::serve_request() {
  request_parser parser;
  parser.header_limit(static_cast<std::uint32_t>(shared_.bounds.header_bytes));
  parser.body_limit(shared_.bounds.body_bytes);
  parser.eager(false);
  within(shared_.bounds.header_time);
  error_code failed;
  co_await http::async_read_header(stream_, buffer_, parser,
                                   asio::redirect_error(use_task, failed));
  if (failed) {
    const bool slow = failed == asio::error::operation_aborted && late;
    if (slow || is_malformed(failed)) {
      const response refused = slow ? too_slow() : refusal_of(failed);
      co_await write(refused, false, false);
      co_await linger();
    }
    co_return false;
  }
  const auto began = clock::now();
  shared_.table_of(from_).is_busy(id_);
  request asked = request_of(parser);
  const bool head = parser.get().method() == http::verb::head;
  const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  const auto address = read_target(asked.target);
  admission found;
  if (address) {
    found = admit(asked, *address, has_body);
  } else {
    found.refused = problem(address.error());
  }
  std::optional<response> refused = std::move(found.refused);
  if (!refused && shared_.body_bytes > shared_.bounds.bodies_bytes) {
    refused = busy_now("too many requests are being received");
  }
  held_bytes held(shared_.body_bytes);
  if (!refused && !parser.is_done()) refused = co_await read_body(parser, held);
  if (refused) {
    note(asked, found.to, *refused, began);
    const bool whole = parser.is_done();
    const bool keep = whole && parser.keep_alive() && !shared_.draining;
    co_await write(*refused, keep, head);
    if (!whole) co_await linger();
    co_return keep;
  }
  asked.body = std::move(parser.get().body());
  const response out = co_await answer(*found.to, asked, *address, std::move(found.parameters));
  note(asked, found.to, out, began);
  const bool keep = parser.keep_alive() && !shared_.draining;
  co_await write(out, keep, head);
  co_return keep;
}

/// Counts what was answered, and writes down refusals and what administrators did.
template <class Stream>
void session<Stream>::note(const request& asked, const route* to, const response& out,
                           steady_time began) {
  shared_.front.counts().answered(to, out.status, clock::now() - began);
  const bool refused =
      out.status == 401 || out.status == 403 || out.status == 421 || (out.status == 429 && !to);
  const bool administers = to && to->method == "POST" && to->open_to == roles(role::admin);
  if (!shared_.audit || !(refused || administers)) return;
  const std::string_view path = std::string_view(asked.target).substr(0, asked.target.find('?'));
  const bool done = out.status < 300;
  shared_.audit->write({{shared_.front.clock()},
                        asked.who.name,
                        asked.peer,
                        asked.method,
                        path,
                        out.status,
                        done ? std::string_view{} : reason_of(out.status)});
}

/// Reads the body within the limits of size, rate and total; the refusal, if any.
template <class Stream>
task<std::optional<response>> session<Stream>::read_body(request_parser& parser, held_bytes& held) {
  const limits& bounds = shared_.bounds;
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    error_code failed;
    co_await asio::async_write(stream_, asio::buffer(go_on),
                               asio::redirect_error(use_task, failed));
  }
  parser.eager(true);
  const auto began = clock::now();
  while (!parser.is_done()) {
    within(bounds.body_grace);
    error_code failed;
    co_await http::async_read_some(stream_, buffer_, parser,
                                   asio::redirect_error(use_task, failed));
    if (failed == asio::error::operation_aborted && late) co_return too_slow();
    if (failed) co_return refusal_of(failed);
    const std::size_t received = parser.get().body().size();
    held.grow_to(received);
    if (shared_.body_bytes > bounds.bodies_bytes) {
      co_return busy_now("too many requests are being received");
    }
    const auto past = clock::now() - began - bounds.body_grace;
    const double seconds = std::chrono::duration<double>(past).count();
    if (seconds > 0 &&
        static_cast<double>(received) < seconds * static_cast<double>(bounds.body_rate)) {
      co_return too_slow();
    }
  }
  co_return std::nullopt;
}

template <class Stream>
task<response> session<Stream>::answer(const route& to, const request& asked, const target& address,
                                       std::vector<std::string> parameters) {
  const call what{asked, address, std::move(parameters)};
  if (to.takes == pace::quick) co_return shared_.front.run(to, what);
  if (shared_.answering >= shared_.bounds.requests) {
    co_return busy_now("too many requests are being answered");
  }
  ++shared_.answering;
  response out;
  const auto home = stream_.get_executor();
  deadline = steady_time::max();
  co_await asio::post(asio::bind_executor(shared_.workers.get_executor(), use_task));
  out = run_on_worker(shared_.front, to, what);
  co_await asio::post(asio::bind_executor(home, use_task));
  --shared_.answering;
  co_return out;
}

template <class Stream>
task<void> session<Stream>::write(const response& what, bool keep, bool head) {
  std::string text = "HTTP/1.1 " + std::to_string(what.status) + " ";
  text.reserve(320);
  text.append(reason_of(what.status)).append("\r\nContent-Type: ").append(what.type);
  text.append("\r\nContent-Length: ").append(std::to_string(what.body.size()));
  for (const auto& [name, value] : what.headers) {
    text.append("\r\n").append(name).append(": ").append(value);
  }
  text.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff");
  text.append(keep ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
  const std::array<asio::const_buffer, 2> both{
      asio::buffer(text), head ? asio::const_buffer() : asio::buffer(what.body)};
  const auto rate = static_cast<std::int64_t>(shared_.bounds.write_rate);
  within(shared_.bounds.write_grace +
         std::chrono::milliseconds(static_cast<std::int64_t>(what.body.size()) * 1'000 / rate));
  error_code failed;
  co_await asio::async_write(stream_, both, asio::redirect_error(use_task, failed));
  if (failed) stream_.lowest_layer().close();
}

/// Lets a client that is still sending see its refusal: closing at once would take it away.
template <class Stream>
task<void> session<Stream>::linger() {
  error_code failed;
  stream_.lowest_layer().shutdown(asio::socket_base::shutdown_send, failed);
  within(linger_time);
  std::array<char, 4'096> unread;
  std::size_t total = 0;
  while (!failed && total < linger_bytes) {
    const std::size_t got = co_await stream_.async_read_some(
        asio::buffer(unread), asio::redirect_error(use_task, failed));
    total += got;
  }
}

}  // namespace

asio::awaitable<void, executor> serve(session_context& shared, net_socket socket, connection_id id,
                                      peer from, std::shared_ptr<asio::ssl::context> secure) {
  if (secure) {
    session<tls_stream> one(shared, tls_stream(std::move(socket), *secure), id, std::move(from));
    co_await one.run();
  } else {
    session<net_socket> one(shared, std::move(socket), id, std::move(from));
    co_await one.run();
  }
}

}  // namespace windrow::server
