#pragma once

#include <string>
#include <string_view>

#include "node/inspection.hpp"
#include "server/body/body_shape.hpp"

/// What a data folder is and holds, as JSON.
namespace windrow::server {

/// One JSON object on one line, with its end.
std::string inspection_json(const node::inspection& what);
result<node::inspection> read_inspection(std::string_view json);

/// What `inspection_json` writes.
extern const body_shape inspection_shape;

}  // namespace windrow::server
