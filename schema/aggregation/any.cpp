#include "base/suggest.hpp"
#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_any() {
  static const aggregation_description d{
      .function = aggregation::any,
      .name = "any",
      .aliases = {},
      .arguments = {value_kind::boolean},
      .parameters = {},
      .result = as_argument,
      .empty = windrow::value{false},
      .partials = [](const value_type&, std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{partial_kind::truths}, false};
      },
      .refuse = [](const std::string& name, const std::string& what) -> std::string {
        return ticked(name) + " needs `bool`, but " + what +
               "; use a field that is one, or `count` with a filter";
      },
      .help = {"a bool field", "bool; whether one value is true", "false"}};
  return d;
}

}  // namespace windrow::schema
