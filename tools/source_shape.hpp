#pragma once

#include <string>
#include <vector>

#include "cluster/source_driver.hpp"
#include "cluster/source_status.hpp"
#include "cluster/steering.hpp"
#include "windrow/result.hpp"

/// The JSON of sources, the same for a stopped folder and a running node; one line each, without
/// its end. `docs/commands.md` has the fields.
namespace windrow::tools {

std::string sources_json(const std::vector<cluster::source_status>& sources);
std::string steering_json(const cluster::steering& done);

/// `earliest`, `latest`, a position, or a time in RFC 3339.
result<cluster::seek_target> parse_seek_target(const std::string& text);

}  // namespace windrow::tools
