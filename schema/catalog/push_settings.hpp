#pragma once

#include "schema/catalog/source_kinds.hpp"

/// A source that is only pushed to: nothing is read, its streams get what is pushed to them.
namespace windrow::schema {

/// It has no settings: `push: true`.
extern const source_kind push_kind;

}  // namespace windrow::schema
