#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_std() {
  static const aggregation_description d{
      .function = aggregation::std,
      .name = "std",
      .aliases = {"stddev", "std_sample", "stddev_sample"},
      .arguments = numbers,
      .parameters = {},
      .result = always_float,
      .empty = windrow::value{null{}},
      .partials = [](const value_type& argument,
                     std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{partial_kind::moments}, argument.nullable};
      },
      .refuse = refuse_all_but_numbers,
      .help = {"int or float", "float; of a sample", "null below two values"}};
  return d;
}

}  // namespace windrow::schema
