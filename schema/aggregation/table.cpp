#include <array>

#include "base/suggest.hpp"
#include "schema/aggregation/description.hpp"

namespace windrow::schema {

#define WINDROW_AGGREGATION(name) const aggregation_description& describe_##name();
#include "schema/aggregation/list.def"

std::string_view to_string(aggregation a) noexcept {
  switch (a) {
#define WINDROW_AGGREGATION(name) \
  case aggregation::name:         \
    return #name;
#include "schema/aggregation/list.def"
  }
  return "?";
}

std::string_view to_string(partial_kind p) noexcept {
  switch (p) {
#define WINDROW_PARTIAL(name) \
  case partial_kind::name:    \
    return #name;
#include "schema/aggregation/list.def"
  }
  return "?";
}

aggregation_table all_aggregations() {
  static const std::array table{
#define WINDROW_AGGREGATION(name) &describe_##name(),
#include "schema/aggregation/list.def"
  };
  return table;
}

const aggregation_description& describe(aggregation a) {
  return *all_aggregations()[static_cast<std::size_t>(a)];
}

value_type aggregation_description::result_type(const value_type& argument) const {
  value_type out;
  out.kind = result(argument.kind);
  out.nullable = empty.is_null();
  return out;
}

value_kind always_int(value_kind) { return value_kind::integer; }
value_kind always_float(value_kind) { return value_kind::floating; }
value_kind as_argument(value_kind argument) { return argument; }

std::string refuse_all_but_numbers(const std::string& name, const std::string& what) {
  return ticked(name) + " needs `int` or `float`, but " + what +
         "; use `count` or `approx_count_distinct`, or another field";
}

}  // namespace windrow::schema
