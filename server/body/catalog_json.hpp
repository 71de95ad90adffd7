#pragma once

#include <string>
#include <vector>

#include "schema/plan/plan.hpp"
#include "server/body/body_shape.hpp"

/// What is declared, as JSON.
namespace windrow::server {

/// `{"catalog_version", "classes": […], "sources": […], "streams": […]}` on one line, with its end.
/// Classes have their features with type, and what keeps them up to date.
std::string catalog_json(const schema::plan& plan);

/// Every feature of a class that can be asked for, without windows.
std::vector<std::string> features_of_class(const schema::plan& plan, int entity_class);

/// What `catalog_json` writes.
extern const body_shape catalog_shape;

}  // namespace windrow::server
