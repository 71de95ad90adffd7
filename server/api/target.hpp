#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "windrow/result.hpp"

/// Paths and queries of requests: cut first, then decoded, so that `%2F` is part of a key.
namespace windrow::server {

struct target {
  std::vector<std::string> segments;  ///< of the path, decoded
  std::vector<std::pair<std::string, std::string>> query;

  /// The only value of a name, or nothing; `invalid` where there are several.
  result<std::optional<std::string>> one(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
};

/// `invalid` for what is not `/a/b?c=d`, for `%` without two hexadecimal digits, and for a zero
/// byte, also as `%00`. `+` is a plus. Dots in segments mean nothing: a name is only ever compared.
result<target> read_target(std::string_view text);

/// `text` with everything but letters, digits and `-._~` written as `%XX`.
std::string percent_encoded(std::string_view text);

}  // namespace windrow::server
