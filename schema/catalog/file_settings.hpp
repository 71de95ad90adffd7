#pragma once

#include "schema/catalog/source_kinds.hpp"

/// A source that is a file of lines, or standard input.
namespace windrow::schema {

/// Its only setting is `path`: absolute, or `-` for standard input.
extern const source_kind file_kind;

}  // namespace windrow::schema
