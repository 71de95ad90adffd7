#pragma once

#include <string>

namespace windrow::server {

/// The OpenAPI 3.1 document of the API, made of the route table: what is in the one is in the
/// other.
std::string openapi_json();

}  // namespace windrow::server
