#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/aggregation/aggregation.hpp"
#include "schema/expression/column.hpp"
#include "windrow/value.hpp"

/// What an aggregation means: its names, what it takes, what it gives, what tiles keep for it and
/// what its help says. One description per aggregation, in a file of its name; no bytes here.
namespace windrow::schema {

/// Some kinds of values.
class kind_set {
public:
  constexpr kind_set(std::initializer_list<value_kind> kinds) {
    for (const value_kind k : kinds) bits_ |= bit(k);
  }
  constexpr bool has(value_kind k) const noexcept { return (bits_ & bit(k)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }

private:
  static constexpr std::uint32_t bit(value_kind k) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(k);
  }
  std::uint32_t bits_ = 0;
};

/// Something an aggregation takes in its parentheses, by position or by name.
struct aggregation_parameter {
  enum class form : std::uint8_t {
    column,   ///< an expression over the child row: the second argument; at most one of them
    constant  ///< a literal
  };
  std::string_view name;
  form what = form::constant;
  kind_set kinds;
  /// What a constant is if it is not given; without one it is required, as columns are.
  std::optional<windrow::value> otherwise = std::nullopt;
  /// What is wrong with a constant of a right kind (`must be 1 or more`); empty if nothing is.
  std::string_view (*check)(const windrow::value& given) = nullptr;
};

/// A partial that a rule reads.
struct needed_partial {
  partial_kind kind = partial_kind::non_null;
  bool second_argument = false;  ///< whether it also folds the parameter that is a column
  std::int64_t parameter = 0;    ///< what its state depends on (how many values it keeps, ...)
};

/// What a rule keeps in a tile beside the row count.
struct needed_partials {
  std::optional<needed_partial> value;  ///< none: the row count is the answer
  /// Whether the number of rows that have an argument is kept, too.
  bool non_null = false;
};

/// The row of the table of aggregations in docs/declarations.md.
struct aggregation_help {
  std::string_view argument;
  std::string_view result;
  std::string_view empty;
};

struct aggregation_description {
  aggregation function = aggregation::count;
  std::string_view name;
  std::vector<std::string_view> aliases;
  /// Kinds of the argument in the brackets. Empty: it needs none and ignores one that is given. If
  /// it takes bools, a bare bool field in the brackets is the argument, not an error.
  kind_set arguments;
  std::vector<aggregation_parameter> parameters;
  value_kind (*result)(value_kind argument) = nullptr;
  /// The answer over no rows, as an int if the result is a number; null makes the result nullable.
  windrow::value empty;
  /// `constants` are those of `parameters`, in their order.
  needed_partials (*partials)(const value_type& argument,
                              std::span<const windrow::value> constants) = nullptr;
  /// Says why it cannot have `what` (`_.name` is `str`), and what to do instead.
  std::string (*refuse)(const std::string& name, const std::string& what) = nullptr;
  aggregation_help help;

  bool needs_argument() const noexcept { return !arguments.empty(); }
  /// What a query gets, before the feature's default.
  value_type result_type(const value_type& argument) const;
};

using aggregation_table = std::span<const aggregation_description* const>;

/// All of them, in the order of `list.def`.
aggregation_table all_aggregations();
const aggregation_description& describe(aggregation a);

// What several descriptions share.
inline constexpr kind_set no_argument{};
inline constexpr kind_set numbers{value_kind::integer, value_kind::floating};
value_kind always_int(value_kind argument);
value_kind always_float(value_kind argument);
value_kind as_argument(value_kind argument);
/// Of those that take numbers.
std::string refuse_all_but_numbers(const std::string& name, const std::string& what);

}  // namespace windrow::schema
