#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_max() {
  static const aggregation_description d{
      .function = aggregation::max,
      .name = "max",
      .aliases = {},
      .arguments = numbers,
      .parameters = {},
      .result = as_argument,
      .empty = windrow::value{null{}},
      .partials = [](const value_type& argument,
                     std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{argument.kind == value_kind::integer ? partial_kind::max_int
                                                                    : partial_kind::max_float},
                argument.nullable};
      },
      .refuse = refuse_all_but_numbers,
      .help = {"int or float", "of the argument's type", "null"}};
  return d;
}

}  // namespace windrow::schema
