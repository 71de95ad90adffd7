#include "base/suggest.hpp"
#include "schema/aggregation/description.hpp"

namespace windrow::schema {

const aggregation_description& describe_all() {
  static const aggregation_description d{
      .function = aggregation::all,
      .name = "all",
      .aliases = {},
      .arguments = {value_kind::boolean},
      .parameters = {},
      .result = as_argument,
      .empty = windrow::value{true},
      .partials = [](const value_type&, std::span<const windrow::value>) -> needed_partials {
        return {needed_partial{partial_kind::truths}, false};
      },
      .refuse = [](const std::string& name, const std::string& what) -> std::string {
        return ticked(name) + " needs `bool`, but " + what +
               "; use a field that is one, or `count` with a filter";
      },
      .help = {"a bool field", "bool; whether no value is false", "true"}};
  return d;
}

}  // namespace windrow::schema
