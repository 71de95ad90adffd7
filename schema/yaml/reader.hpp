#pragma once

#include <string>
#include <string_view>

#include "schema/catalog/declaration_file.hpp"

namespace windrow::schema {

/// Reads the YAML spelling of the declarations. What the file says is checked here for form only
/// (keys, types, durations, syntax of expressions and joins); what it means is the planner's.
///
/// Everything wrong goes to `out`; what could be read is returned, with the rest marked broken.
/// Never throws. `file_name` resolves relative paths; `variables` answers `${NAME}`.
declaration_file read_yaml(std::string_view text, const std::string& file_name,
                           const environment& variables, diagnostics& out);

}  // namespace windrow::schema
