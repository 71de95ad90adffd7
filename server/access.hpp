#pragma once

#include <optional>
#include <string>

#include "server/request.hpp"

/// Who a request comes from.
namespace windrow::server {

/// Where a connection came from.
struct peer {
  bool local = false;   ///< the Unix socket: whoever can open it owns the node
  std::string address;  ///< for limits per address and the audit log
};

struct identity {
  principal who;
  std::optional<response> refused;
};

/// The Unix socket is the owner's. A program on this machine that comes by way of TCP may read and
/// push; a web page that a browser sends here may not: its requests have an `Origin`, or name
/// another host.
identity identify(const peer& from, const request& asked);

}  // namespace windrow::server
