#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_min() {
  static const aggregation_description d{
      .function = aggregation::min,
      .name = "min",
      .aliases = {},
      .arguments = numbers,
      .parameters = {},
      .result = as_argument,
      .empty = windrow::value{null{}},
      .partials = [](const value_type& argument,
                     std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{argument.kind == value_kind::integer ? partial_kind::min_int
                                                                    : partial_kind::min_float},
                argument.nullable};
      },
      .refuse = refuse_all_but_numbers,
      .help = {"int or float", "of the argument's type", "null"}};
  return d;
}

}  // namespace windrow::schema
