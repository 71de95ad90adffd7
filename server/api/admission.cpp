#include "server/api/admission.hpp"

#include <algorithm>
#include <utility>

#include "server/api/media_type.hpp"
#include "server/api/route_table.hpp"

namespace windrow::server {
namespace {

bool takes(const route& to, std::string_view type) {
  return std::any_of(to.bodies.begin(), to.bodies.end(),
                     [&](std::string_view known) { return is_media_type(type, known); });
}

response wrong_type(const route& to) {
  std::string types;
  for (const std::string_view t : to.bodies) types += (types.empty() ? "" : ", ") + std::string(t);
  return problem(415, "media_type",
                 types.empty() ? "this address takes no body" : "this address takes " + types);
}

}  // namespace

admission admit(const request& asked, const target& address, bool has_body) {
  matched found = match(asked.method, address);
  admission out{found.to, std::move(found.parameters), std::nullopt};
  if (!out.to) {
    out.refused = std::move(found.refused);
  } else if (auto not_allowed = refusal(*out.to, asked.who)) {
    out.refused = std::move(not_allowed);
  } else if (found.refused) {
    out.refused = std::move(found.refused);
  } else if (has_body && !takes(*out.to, asked.header("content-type"))) {
    out.refused = wrong_type(*out.to);
  }
  return out;
}

}  // namespace windrow::server
