#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/expression/column.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

namespace windrow::schema {

/// Where something stands in a declaration file; lines and columns count from 1.
struct source_position {
  int line = 0;
  int column = 0;
};

/// Operators, in one enumeration so that printing, typing and evaluation are one table each.
enum class expression_op : std::uint8_t {
  literal,    ///< `literal`
  attribute,  ///< `_.name`, `_.a.b`: `path`
  header,     ///< `_.message_headers["h"]`: `path` = {"message_headers", "h"}
  negate,
  invert,  ///< `-a`, `~a`
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,  ///< `a in [..]`
  logical_and,
  logical_or,
  aggregate,  ///< `_.rel[keys...].agg(args)`: see `aggregate_call`
  list,       ///< `[a, b]`
};

struct expression;
using expression_ptr = std::shared_ptr<const expression>;

/// `_.relation[keys...].function(arguments, name=argument...)`.
struct aggregate_call {
  std::string relation;
  std::vector<expression_ptr> keys;
  std::string function;
  std::vector<expression_ptr> arguments;
  std::vector<std::pair<std::string, expression_ptr>> named_arguments;
};

/// A node of a parsed expression. Immutable and shared.
struct expression {
  expression_op op = expression_op::literal;
  source_position at;  ///< of the node's first character (operators: the sign)
  windrow::value literal;
  std::vector<std::string> path;  ///< attribute names after `_`
  std::vector<expression_ptr> operands;
  std::shared_ptr<const aggregate_call> call;
};

/// A parse or type error inside an expression.
struct expression_error {
  source_position at;
  std::string message;  ///< what is wrong and what to write instead
};

template <class T>
struct expression_result {
  T value{};
  std::optional<expression_error> error;
  explicit operator bool() const noexcept { return !error.has_value(); }
};

/// Parses one expression. `origin` is the position of `text`'s first character in its file and is
/// added to every position in the tree and in errors.
///
/// Grammar, loosest first: `|`, `&`, comparisons and `in` (not chained), `+ -`, `* / %`,
/// unary `- ~`, then `_`, `_.a.b`, `_.rel[..].f(..)`, literals, lists and parentheses.
/// `-` before a number literal makes one negative literal. A tree is at most 100 levels high, so
/// that walking one by recursion is safe; deeper expressions are errors.
expression_result<expression_ptr> parse_expression(std::string_view text,
                                                   source_position origin = {1, 1});

/// How an operator is written; empty for what is none.
std::string_view sign_of(expression_op op);

inline bool is_null_literal(const expression& e) {
  return e.op == expression_op::literal && e.literal.is_null();
}

/// The one spelling of an expression that identity is computed from: full parentheses, one
/// spelling of numbers and strings. Equal canonical texts mean equal programs.
std::string canonical(const expression& e);

/// The attribute paths an expression reads, joined by '.', each once, sorted. Headers appear as
/// `message_headers.h`. Of an aggregation it is the relation: what stands in its brackets is read
/// from other rows.
std::vector<std::string> attributes_of(const expression& e);

/// The type of an attribute path, or nothing if there is no such attribute.
using attribute_types =
    std::function<std::optional<value_type>(const std::vector<std::string>& path)>;

/// The type `e` has over rows with those attributes. Anything that does not fit is an error that
/// says what to write. `aggregate` nodes are refused.
/// * Arithmetic on int and float gives float; `/` always gives float; the sign of `%` is that of
///   the divisor. Int arithmetic that overflows, a float that is not finite and a division or
///   remainder by zero give null, so all arithmetic on numbers is nullable, except `-` before a
///   float. `+` joins two strings.
/// * A comparison is a bool and not nullable: where a side is null it is false, also `!=`. The one
///   exception is the literal: `a == null` is true if `a` is null, `a != null` if it is not.
///   An int and a float compare as floats, strings by their bytes, and a datetime with a string
///   literal that holds a time.
/// * `in` takes a list of constants or expressions, or a list attribute; null is in no list.
/// * `~`, `&` and `|` take bools that cannot be null (there is no third truth value).
expression_result<value_type> type_of(const expression& e, const attribute_types& types);

}  // namespace windrow::schema
