#pragma once

#include <string>
#include <vector>

#include "sources/source_control.hpp"
#include "sources/source_status.hpp"
#include "tools/table.hpp"

/// The answers of `windrow source`.
namespace windrow::tools {

/// A line a partition, and below the table why a source has failed or waits.
std::string sources_table(const std::vector<sources::source_status>& sources,
                          const table_options& options);

/// A line a partition that was paused, resumed, moved or given up.
std::string source_control_text(const sources::source_control& done);

}  // namespace windrow::tools
