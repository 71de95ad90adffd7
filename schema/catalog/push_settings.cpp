#include "schema/catalog/push_settings.hpp"

namespace windrow::schema {

constinit const source_kind push_kind{
    .name = "push",
    .unit = position_unit::messages,
    .form = source_form::flag,
    .example = "push: true",
    .is_read = false,
};

}  // namespace windrow::schema
