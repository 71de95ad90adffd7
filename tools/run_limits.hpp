#pragma once

#include <span>
#include <string>

#include "server/api/limits.hpp"
#include "windrow/result.hpp"

namespace windrow::tools {

/// What `--limit NAME=VALUE` says, one after the other: `body-bytes=64M`, `header-time=2s`,
/// `connections=4096`. `invalid` where there is no such limit, its value has another form or is out
/// of range, or limits contradict each other.
result<server::limits> parse_limits(std::span<const std::string> assignments);

/// A line for each limit: its name, what it is without the flag, and what it limits.
std::string limits_help();

}  // namespace windrow::tools
