#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_count() {
  static const aggregation_description d{
      .function = aggregation::count,
      .name = "count",
      .aliases = {},
      .arguments = no_argument,
      .parameters = {},
      .result = always_int,
      .empty = windrow::value{std::int64_t{0}},
      .partials = [](const value_type&, std::span<const windrow::value>) -> needed_partials {
        return {};
      },
      .refuse = nullptr,
      .help = {"none, or one that is ignored", "int", "0"}};
  return d;
}

}  // namespace windrow::schema
