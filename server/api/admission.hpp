#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/request.hpp"
#include "server/api/target.hpp"

namespace windrow::server {

struct route;

/// Whether a request is answered, decided before its body is read.
struct admission {
  const route* to = nullptr;            ///< also of what is refused, if its path has a route
  std::vector<std::string> parameters;  ///< of the path, in the order of its pattern
  std::optional<response> refused;
};

/// The one sequence, for the network and for a stopped folder: there is a route for the address
/// (404, 405); `asked.who` may use it (401, 403); it has these query parameters (400); and, if the
/// request has a body, it takes one of that type (415).
admission admit(const request& asked, const target& address, bool has_body);

}  // namespace windrow::server
