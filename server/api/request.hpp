#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "windrow/result.hpp"

/// What the API is asked and answers, without a network.
namespace windrow::server {

/// What someone may do. A route names the roles it is open to; nothing else is allowed.
enum class role : std::uint8_t { reader = 1, writer = 2, admin = 4 };

/// A set of roles.
struct roles {
  std::uint8_t bits = 0;
  constexpr roles() = default;
  constexpr roles(role one) : bits(static_cast<std::uint8_t>(one)) {}
  constexpr bool has(role one) const noexcept {
    return (bits & static_cast<std::uint8_t>(one)) != 0;
  }
  constexpr bool meets(roles other) const noexcept { return (bits & other.bits) != 0; }
  friend constexpr roles operator|(roles a, roles b) noexcept {
    a.bits |= b.bits;
    return a;
  }
  friend bool operator==(const roles&, const roles&) = default;
};
constexpr roles operator|(role a, role b) noexcept { return roles(a) | roles(b); }

/// Who asks.
struct principal {
  std::string name;  ///< for the audit log: `socket`, `token 3f2a…`, `anonymous`
  roles may;
  std::vector<std::string> classes;  ///< the only ones it may see; empty: all

  static principal nobody() { return {"anonymous", {}, {}}; }
  static principal owner() {
    return {"owner", role::reader | role::writer | roles(role::admin), {}};
  }
};

struct request {
  std::string method;  ///< `GET`, `POST`
  std::string target;  ///< path and query, as they came
  std::string body;
  /// Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
  principal who;
  std::string peer;  ///< address, for the audit log

  /// Empty if it is not there.
  std::string_view header(std::string_view name) const noexcept;
};

struct response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// What went well, in JSON.
response answer(std::string json);
/// A failure as a response.
response problem(const failure& why);
/// One with a code of the server's own.
response problem(int status, std::string_view code, std::string_view detail);

}  // namespace windrow::server
