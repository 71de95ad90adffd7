#pragma once

#include <string>

#include "server/body/inspection_json.hpp"
#include "tools/table.hpp"

/// The answer of `windrow inspect`.
namespace windrow::tools {

using node::inspection;

std::string inspect_text(const inspection& what, const table_options& options);

}  // namespace windrow::tools
