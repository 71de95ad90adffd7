#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_sum() {
  static const aggregation_description d{
      .function = aggregation::sum,
      .name = "sum",
      .aliases = {},
      .arguments = numbers,
      .parameters = {},
      .result = as_argument,
      .empty = windrow::value{std::int64_t{0}},
      .partials = [](const value_type& argument,
                     std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{argument.kind == value_kind::integer ? partial_kind::sum_int
                                                                    : partial_kind::sum_float},
                argument.nullable};
      },
      .refuse = refuse_all_but_numbers,
      .help = {"int or float", "of the argument's type", "0"}};
  return d;
}

}  // namespace windrow::schema
