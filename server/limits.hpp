#pragma once

#include <chrono>
#include <cstddef>

namespace windrow::server {

/// What the server takes from the network, and how long it waits. Beyond a limit comes an answer
/// that says so, or, where nobody is listening, a closed connection.
struct limits {
  std::size_t header_bytes = std::size_t{16} << 10;  ///< request line and headers: 431
  std::size_t body_bytes = std::size_t{16} << 20;    ///< 413, before any of it is read
  /// Bodies being received and held, of all connections together: 503.
  std::size_t bodies_bytes = std::size_t{128} << 20;
  std::size_t rows = 10'000;                 ///< entities in a query: 413
  std::size_t push_rows = 100'000;           ///< messages in a push: 413
  /// Open connections. A new one takes the place of the one that has waited longest for a request;
  /// where all are being answered, it gets 503.
  std::size_t connections = 1'024;
  std::size_t connections_per_address = 256;
  /// Requests being answered at the same time by workers: 503.
  std::size_t requests = 64;
  std::size_t workers = 4;                   ///< threads for what may take longer
  std::chrono::milliseconds header_deadline{5'000};
  std::chrono::milliseconds idle{60'000};    ///< between two requests of a connection
  std::chrono::milliseconds body_grace{5'000};
  std::size_t body_bytes_per_second = std::size_t{4} << 10;  ///< after the grace: 408
  std::chrono::milliseconds write_grace{10'000};
  std::size_t write_bytes_per_second = std::size_t{16} << 10;
  std::chrono::milliseconds drain{10'000};   ///< for requests under way when the server stops
};

}  // namespace windrow::server
