#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "server/api/request.hpp"
#include "server/api/tokens.hpp"

/// Who a request comes from.
namespace windrow::server {

/// Where a connection came from.
struct peer {
  bool local = false;  ///< the Unix socket: whoever can open it owns the node
  bool tls = false;
  std::string address;  ///< for limits per address and the audit log
};

struct identity {
  principal who;
  std::optional<response> refused;
};

/// Decides who asks:
/// * the Unix socket is the owner's;
/// * by TCP a bearer token says who it is; a wrong one is refused, whatever the route, and after
///   so many wrong ones a minute from an address so is everything with a token from there (429);
/// * without a token, and while the folder has none, a program on this machine may read and push. A
///   web page that a browser sends here may not: its requests have an `Origin`, or name another
///   host. Once there are tokens, or by TLS, without one nobody may do anything.
///
/// Concurrency: any thread.
class authenticator {
public:
  /// `tokens` may be null: then there are none. It outlives the authenticator.
  explicit authenticator(token_store* tokens, std::size_t wrong_tokens = 10)
      : tokens_(tokens), wrong_max_(wrong_tokens) {}

  identity identify(const peer& from, const request& asked, timestamp now);

private:
  struct failures {
    timestamp since;
    std::size_t count = 0;
  };
  identity by_token(const peer& from, std::string_view given, timestamp now);

  token_store* tokens_;
  const std::size_t wrong_max_;  // a minute, of an address
  std::mutex mutex_;
  std::map<std::string, failures> wrong_;  // by address
};

}  // namespace windrow::server
