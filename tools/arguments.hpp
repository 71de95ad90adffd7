#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "windrow/engine.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// What people write after a flag. Pure: no clock, no files. Failures are `invalid` and name the
/// flag, what was written and what to write.
namespace windrow::tools {

/// `536870912`, `512M`, `512MiB`, `2G`, `1.5GiB`: units are powers of 1,024, in either case.
result<std::size_t> parse_bytes(std::string_view flag, std::string_view text);

/// `NAME=REST`, cut at the first `=`; neither side may be empty.
result<std::pair<std::string, std::string>> parse_assignment(std::string_view flag,
                                                             std::string_view text,
                                                             std::string_view example);

/// `User=u1`. The key may be empty or hold `=`: it is whatever stands after the first one.
result<entity_reference> parse_entity(std::string_view text);

/// RFC 3339, a date, or milliseconds since the epoch.
result<timestamp> parse_now(std::string_view text);

/// A duration above zero, in microseconds.
result<std::int64_t> parse_interval(std::string_view flag, std::string_view text);

/// The text as one argument of a shell: quoted where it must be.
std::string shell_quote(std::string_view text);

}  // namespace windrow::tools
