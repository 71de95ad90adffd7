#pragma once

#include "server/body/json_writer.hpp"

/// The commands write JSON as the server does.
namespace windrow::tools {

using server::json_writer;

}  // namespace windrow::tools
