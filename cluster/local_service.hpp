#pragma once

#include <memory>

#include "cluster/service.hpp"
#include "node/node_options.hpp"

namespace windrow::cluster {

/// A node in this process, opened as a service.
result<std::unique_ptr<service>> open_local_service(const node::node_options& options);

}  // namespace windrow::cluster
