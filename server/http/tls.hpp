#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "server/http/tls_options.hpp"
#include "windrow/result.hpp"

namespace windrow::server {

/// Certificate and key of a server, taken anew where their files have changed. TLS 1.2 and later,
/// with forward secrecy.
///
/// One thread.
class tls_material {
public:
  static result<tls_material> load(const tls_options& options);

  /// What a new connection uses. Files are looked at once a second at most; where new ones cannot
  /// be used, the old ones stay.
  std::shared_ptr<boost::asio::ssl::context> current();

private:
  using clock = std::chrono::steady_clock;
  struct stamp {
    std::int64_t certificate = 0, key = 0, client_ca = 0;
    friend bool operator==(const stamp&, const stamp&) = default;
  };
  static stamp stamp_of(const tls_options& options);
  static result<std::shared_ptr<boost::asio::ssl::context>> make(const tls_options& options);

  tls_options options_;
  stamp stamp_;
  clock::time_point looked_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace windrow::server
