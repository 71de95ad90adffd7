#include "server/api/limits.hpp"

#include <string>

namespace windrow::server {
namespace {

using unit = limit::unit;
constexpr std::uint64_t kib = 1'024, mib = 1'024 * kib, gib = 1'024 * mib;
constexpr std::uint64_t minutes = 60'000, hours = 60 * minutes;

constexpr limit count_limit(std::string_view name, std::size_t limits::*of, std::uint64_t least,
                            std::uint64_t most, std::string_view about) {
  return {name, unit::count, of, nullptr, least, most, about};
}
constexpr limit bytes(std::string_view name, std::size_t limits::*of, std::uint64_t least,
                      std::uint64_t most, std::string_view about) {
  return {name, unit::bytes, of, nullptr, least, most, about};
}
constexpr limit rate(std::string_view name, std::size_t limits::*of, std::string_view about) {
  return {name, unit::bytes_per_second, of, nullptr, 1, gib, about};
}
constexpr limit time(std::string_view name, std::chrono::milliseconds limits::*of,
                     std::uint64_t least, std::uint64_t most, std::string_view about) {
  return {name, unit::milliseconds, nullptr, of, least, most, about};
}

constexpr limit limit_rows[] = {
    bytes("header-bytes", &limits::header_bytes, 512, mib, "request line and headers"),
    time("header-time", &limits::header_time, 100, hours, "from the first byte of a request"),
    bytes("body-bytes", &limits::body_bytes, kib, gib, "a body"),
    bytes("bodies-bytes", &limits::bodies_bytes, kib, 1'024 * gib,
          "all bodies that are being received"),
    time("body-grace", &limits::body_grace, 100, hours,
         "before the speed of a body counts, and the longest pause in it"),
    rate("body-rate", &limits::body_rate, "a second of a body, after that"),
    count_limit("query-rows", &limits::rows, 1, 1'000'000, "entities in a query"),
    // What a push may hold at all is the journal's.
    count_limit("push-rows", &limits::push_rows, 1, (1 << 20) - 1, "messages in a push"),
    count_limit("pushes-waiting", &limits::pushes_waiting, 1, 1'000'000,
                "pushes that are durable and not applied"),
    time("apply-time", &limits::apply_time, 0, hours,
         "how long the answer to a push waits until it is applied"),
    count_limit("connections", &limits::connections, 1, 1'000'000, "open connections"),
    count_limit("connections-per-address", &limits::connections_per_address, 1, 1'000'000,
                "of them, from one address"),
    time("idle-time", &limits::idle_time, 100, 24 * hours, "between two requests of a connection"),
    count_limit("requests", &limits::requests, 1, 100'000, "requests being answered by workers"),
    count_limit("workers", &limits::workers, 1, 1'024, "threads that answer what takes longer"),
    time("write-grace", &limits::write_grace, 100, hours, "before the speed of an answer counts"),
    rate("write-rate", &limits::write_rate, "a second of an answer, after that"),
    time("drain-time", &limits::drain_time, 0, hours, "for requests under way when the node stops"),
    count_limit("wrong-tokens", &limits::wrong_tokens, 1, 1'000'000,
                "wrong tokens a minute from one address"),
};

}  // namespace

std::uint64_t limit::get(const limits& from) const noexcept {
  return size ? from.*size : static_cast<std::uint64_t>((from.*time).count());
}

void limit::set(limits& in_these, std::uint64_t value) const noexcept {
  if (size) {
    in_these.*size = value;
  } else {
    in_these.*time = std::chrono::milliseconds(value);
  }
}

std::span<const limit> every_limit() { return limit_rows; }

result<void> check_limits(const limits& what) {
  if (what.body_bytes > what.bodies_bytes) {
    return failure{errc::invalid, "body-bytes (" + std::to_string(what.body_bytes) +
                                      ") is more than bodies-bytes (" +
                                      std::to_string(what.bodies_bytes) +
                                      "), what all bodies together may take; raise bodies-bytes"};
  }
  return {};
}

}  // namespace windrow::server
