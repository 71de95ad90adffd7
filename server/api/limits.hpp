#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "windrow/result.hpp"

namespace windrow::server {

/// What the server takes from the network, and how long it waits. Beyond a limit comes an answer
/// that says so, or, where nobody is listening, a closed connection. Any thread may read one that
/// nobody changes.
struct limits {
  std::size_t header_bytes = std::size_t{16} << 10;  ///< request line and headers: 431
  std::chrono::milliseconds header_time{5'000};      ///< for all of them: 408
  std::size_t body_bytes = std::size_t{16} << 20;    ///< 413, before any of it is read
  /// Bodies being received and held, of all connections together: 503.
  std::size_t bodies_bytes = std::size_t{128} << 20;
  std::chrono::milliseconds body_grace{5'000};   ///< and never so long without a byte
  std::size_t body_rate = std::size_t{4} << 10;  ///< bytes a second, after the grace: 408
  std::size_t rows = 10'000;                     ///< entities in a query: 413
  std::size_t push_rows = 100'000;               ///< messages in a push: 413
  /// Pushes that are durable and not applied: with more, ingest is behind, 429.
  std::size_t pushes_waiting = 256;
  /// How long an answer waits for its push to be applied, so that it can say what could not be.
  std::chrono::milliseconds apply_time{2'000};
  /// Open connections. A new one takes the place of the one that has waited longest for a request;
  /// where all are being answered, it gets 503.
  std::size_t connections = 1'024;
  std::size_t connections_per_address = 256;
  std::chrono::milliseconds idle_time{60'000};  ///< between two requests of a connection
  /// Requests being answered at the same time by workers: 503.
  std::size_t requests = 64;
  std::size_t workers = 4;  ///< threads for what may take longer
  std::chrono::milliseconds write_grace{10'000};
  std::size_t write_rate = std::size_t{16} << 10;  ///< bytes a second, after the grace: closed
  std::chrono::milliseconds drain_time{10'000};    ///< for requests under way at the end
  std::size_t wrong_tokens = 10;                   ///< a minute, of an address: then 429
};

/// One of them, for whoever sets it by name.
struct limit {
  enum class unit : std::uint8_t { count, bytes, bytes_per_second, milliseconds };
  std::string_view name;  ///< `body-bytes`
  unit in = unit::count;
  std::size_t limits::*size = nullptr;                ///< null if it is a time
  std::chrono::milliseconds limits::*time = nullptr;  ///< null if it is none
  std::uint64_t least = 0, most = 0;
  std::string_view about;

  std::uint64_t get(const limits& from) const noexcept;
  /// Requires least <= value <= most.
  void set(limits& in_these, std::uint64_t value) const noexcept;
};

/// All of them, in the order of the struct.
std::span<const limit> every_limit();

/// Limits that cannot hold together: `invalid`, which says what to change.
result<void> check_limits(const limits& what);

}  // namespace windrow::server
