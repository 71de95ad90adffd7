#include "windrow/result.hpp"

namespace windrow {

std::string_view to_string(errc code) noexcept {
  switch (code) {
    case errc::invalid:
      return "invalid";
    case errc::not_found:
      return "not_found";
    case errc::expired:
      return "expired";
    case errc::overflow:
      return "overflow";
    case errc::join_key_missing:
      return "join_key_missing";
    case errc::corrupt:
      return "corrupt";
    case errc::mismatch:
      return "mismatch";
    case errc::busy:
      return "busy";
    case errc::io:
      return "io";
    case errc::closed:
      return "closed";
    case errc::conflict:
      return "conflict";
    case errc::gap:
      return "gap";
    case errc::unavailable:
      return "unavailable";
    case errc::timeout:
      return "timeout";
  }
  return "unknown";
}

}  // namespace windrow
