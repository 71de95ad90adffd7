#include "schema/catalog/file_settings.hpp"

#include <array>

namespace windrow::schema {
namespace {

constexpr std::array file_settings{
    source_setting{.name = "path", .path = true, .required = true},
};

}  // namespace

constinit const source_kind file_kind{
    .name = "file",
    .unit = position_unit::bytes,
    .form = source_form::value,
    .example = "file: events.ndjson",
    .expected = "a path such as `events.ndjson`",
    .settings = file_settings,
    .is_file = true,
};

}  // namespace windrow::schema
