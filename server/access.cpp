#include "server/access.hpp"

#include <algorithm>
#include <array>

namespace windrow::server {
namespace {

/// Whether a `Host` header names this machine's loopback.
bool names_loopback(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  constexpr std::array<std::string_view, 3> names{"localhost", "127.0.0.1", "[::1]"};
  return std::find(names.begin(), names.end(), host) != names.end();
}

}  // namespace

identity identify(const peer& from, const request& asked) {
  if (from.local) return {principal::owner(), std::nullopt};
  if (!asked.header("origin").empty()) {
    return {principal::nobody(),
            problem(403, "forbidden", "requests of web pages are not taken")};
  }
  if (!names_loopback(asked.header("host"))) {
    return {principal::nobody(), problem(421, "misdirected", "this server is not that host")};
  }
  return {{"anonymous", role::reader | role::writer, {}}, std::nullopt};
}

}  // namespace windrow::server
