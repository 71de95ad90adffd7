#pragma once

#include <string>

#include "formats/message_run.hpp"
#include "windrow/result.hpp"

/// Positions in a file of lines, found by looking at its bytes.
namespace windrow::formats {

/// The first position at or after `byte` at which a line begins. `invalid` where the file is
/// shorter, or where `byte` is inside a last line that has no end yet.
result<sequence> line_end_after(const std::string& path, sequence byte);

/// Behind the last line that has an end.
result<sequence> line_end_before(const std::string& path);

}  // namespace windrow::formats
