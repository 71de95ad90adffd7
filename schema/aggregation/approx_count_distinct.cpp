#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_approx_count_distinct() {
  static const aggregation_description d{
      .function = aggregation::approx_count_distinct,
      .name = "approx_count_distinct",
      .aliases = {},
      .arguments = {value_kind::integer, value_kind::floating, value_kind::text,
                    value_kind::datetime},
      .parameters = {},
      .result = always_int,
      .empty = windrow::value{std::int64_t{0}},
      .partials = [](const value_type&, std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{partial_kind::distinct}, false};
      },
      .refuse = [](const std::string&, const std::string& what) -> std::string {
        return what + ", and lists, maps, structs and bytes cannot be counted; use a plain field";
      },
      .help = {"anything but lists, maps, structs and bytes",
               "int; exact up to 1,024 values, then within about 1.6 %", "0"}};
  return d;
}

}  // namespace windrow::schema
