#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_mean() {
  static const aggregation_description d{
      .function = aggregation::mean,
      .name = "mean",
      .aliases = {},
      .arguments = numbers,
      .parameters = {},
      .result = always_float,
      .empty = windrow::value{null{}},
      .partials = [](const value_type& argument,
                     std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{argument.kind == value_kind::integer ? partial_kind::sum_int
                                                                    : partial_kind::sum_float},
                argument.nullable};
      },
      .refuse = refuse_all_but_numbers,
      .help = {"int or float", "float", "null"}};
  return d;
}

}  // namespace windrow::schema
