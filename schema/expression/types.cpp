#include <string>
#include <utility>

#include "schema/expression/expression.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

/// A type with its article, for sentences.
std::string_view a_kind(value_kind kind) {
  switch (kind) {
    case value_kind::boolean:
      return "a bool";
    case value_kind::integer:
      return "an int";
    case value_kind::floating:
      return "a float";
    case value_kind::text:
      return "a str";
    case value_kind::datetime:
      return "a datetime";
    case value_kind::list:
      return "a list";
    case value_kind::map:
      return "a map";
    case value_kind::structure:
      return "a struct";
    case value_kind::bytes:
      return "bytes";
  }
  return "a value";
}

const std::string* text_literal(const expression& e) {
  return e.op == expression_op::literal ? std::get_if<std::string>(&e.literal) : nullptr;
}

class typer {
public:
  explicit typer(const attribute_types& types) : types_(types) {}

  std::optional<expression_error> error;

  std::optional<value_type> visit(const expression& e) {
    switch (e.op) {
      case expression_op::literal:
        return visit_literal(e);
      case expression_op::attribute:
      case expression_op::header:
        return visit_attribute(e);
      case expression_op::negate:
        return visit_negate(e);
      case expression_op::invert:
        return visit_logical(e, "~");
      case expression_op::logical_and:
      case expression_op::logical_or:
        return visit_logical(e, sign_of(e.op));
      case expression_op::add:
      case expression_op::subtract:
      case expression_op::multiply:
      case expression_op::divide:
      case expression_op::modulo:
        return visit_arithmetic(e);
      case expression_op::equal:
      case expression_op::not_equal:
      case expression_op::less:
      case expression_op::less_equal:
      case expression_op::greater:
      case expression_op::greater_equal:
        return visit_comparison(e);
      case expression_op::in:
        return visit_in(e);
      case expression_op::list:
        return visit_list(e);
      case expression_op::aggregate:
        return fail(e, "an aggregation such as `_." + e.call->relation + "[..]." +
                           e.call->function +
                           "(..)` cannot be used here, only attributes of the "
                           "row");
    }
    return fail(e, "this operator is not known");
  }

private:
  std::nullopt_t fail(const expression& e, std::string message) {
    if (!error) error = expression_error{e.at, std::move(message)};
    return std::nullopt;
  }

  std::optional<value_type> visit_literal(const expression& e) {
    switch (e.literal.index()) {
      case 1:
        return plain(value_kind::boolean);
      case 2:
        return plain(value_kind::integer);
      case 3:
        return plain(value_kind::floating);
      case 4:
        return plain(value_kind::text);
      case 5:
        return plain(value_kind::datetime);
      default:
        break;
    }
    return fail(e,
                "`null` has no type of its own: it can only be compared, `_.a == null` or "
                "`_.a != null`");
  }

  std::optional<value_type> visit_attribute(const expression& e) {
    if (e.path.empty())
      return fail(e, "`_` is the whole row: write `_.name` for one of its attributes");
    if (auto type = types_(e.path)) return type;
    std::string name = "_";
    for (const auto& part : e.path) name += "." + part;
    return fail(e, "there is no attribute `" + name + "`");
  }

  std::optional<value_type> visit_negate(const expression& e) {
    const auto type = visit(*e.operands[0]);
    if (!type) return std::nullopt;
    if (!is_number(type->kind))
      return fail(e, "`-` needs a number, not " + std::string(a_kind(type->kind)));
    return plain(type->kind, type->nullable || type->kind == value_kind::integer);
  }

  std::optional<value_type> visit_logical(const expression& e, std::string_view sign) {
    for (const auto& operand : e.operands) {
      const auto type = visit(*operand);
      if (!type) return std::nullopt;
      const std::string needs = "`" + std::string(sign) + "` needs true or false on each side, ";
      if (type->kind != value_kind::boolean) {
        const bool brackets = operand->op == expression_op::attribute && is_number(type->kind);
        return fail(e, needs + "not " + std::string(a_kind(type->kind)) +
                           (brackets ? ": write a comparison, such as `" + canonical(*operand) +
                                           " > 0`, in brackets"
                                     : ": write a comparison, in brackets"));
      }
      if (type->nullable)
        return fail(e, needs + "and `" + canonical(*operand) + "` may be null: write `(" +
                           canonical(*operand) + " == true)`");
    }
    return plain(value_kind::boolean);
  }

  std::optional<value_type> visit_arithmetic(const expression& e) {
    const auto left = visit(*e.operands[0]);
    if (!left) return std::nullopt;
    const auto right = visit(*e.operands[1]);
    if (!right) return std::nullopt;
    const bool nullable = left->nullable || right->nullable;
    if (is_number(left->kind) && is_number(right->kind)) {
      const bool whole = left->kind == value_kind::integer && right->kind == value_kind::integer &&
                         e.op != expression_op::divide;
      return plain(whole ? value_kind::integer : value_kind::floating, true);
    }
    if (e.op == expression_op::add && left->kind == value_kind::text &&
        right->kind == value_kind::text)
      return plain(value_kind::text, nullable);
    const std::string sides =
        std::string(a_kind(left->kind)) + " and " + std::string(a_kind(right->kind));
    return fail(e, "`" + std::string(sign_of(e.op)) + "` cannot take " + sides + ": it needs " +
                       (e.op == expression_op::add ? "two numbers or two strings" : "two numbers"));
  }

  /// Whether `==` between the two can be true; reports at `e` where it cannot. `ordered` where
  /// it is `<` and the like.
  bool comparable(const expression& e, const expression& left, const value_type& left_type,
                  const expression& right, const value_type& right_type, bool ordered) {
    const value_kind l = left_type.kind, r = right_type.kind;
    if (l == value_kind::list || r == value_kind::list)
      return fail(e, "a list cannot be compared: write `value in list`"), false;
    if (!is_plain(l) || !is_plain(r))
      return fail(e, std::string(a_kind(is_plain(l) ? r : l)) + " cannot be compared"), false;
    if (is_number(l) && is_number(r)) return true;
    if (l == r) {
      if (ordered && l == value_kind::boolean)
        return fail(e, "true and false have no order: write `==` or `!=`"), false;
      return true;
    }
    if (l == value_kind::datetime || r == value_kind::datetime) {
      const std::string* const time = text_literal(l == value_kind::datetime ? right : left);
      if (time) {
        std::int64_t ignored = 0;
        if (parse_time_fast(*time, ignored)) return true;
        return fail(e, parse_time(*time).error().message), false;
      }
      return fail(e, "a datetime cannot be compared with " +
                         std::string(a_kind(l == value_kind::datetime ? r : l)) +
                         ": write the time as a string, such as \"2024-01-02T03:04:05Z\""),
             false;
    }
    std::string advice;
    if ((l == value_kind::text && is_number(r)) || (r == value_kind::text && is_number(l)))
      advice = ": write the number in quotes, or declare the attribute as a number";
    else if (l == value_kind::boolean || r == value_kind::boolean)
      advice = ": write `true` or `false`";
    return fail(e, std::string(a_kind(l)) + " cannot be compared with " + std::string(a_kind(r)) +
                       advice),
           false;
  }

  std::optional<value_type> visit_comparison(const expression& e) {
    const expression& left = *e.operands[0];
    const expression& right = *e.operands[1];
    const bool ordered = e.op != expression_op::equal && e.op != expression_op::not_equal;
    if (is_null_literal(left) || is_null_literal(right)) {
      if (is_null_literal(left) && is_null_literal(right))
        return fail(e, "`null` compared with `null` says nothing: compare an attribute");
      if (ordered) return fail(e, "`null` has no order: write `== null` or `!= null`");
      if (!visit(is_null_literal(left) ? right : left)) return std::nullopt;
      return plain(value_kind::boolean);
    }
    const auto left_type = visit(left);
    if (!left_type) return std::nullopt;
    const auto right_type = visit(right);
    if (!right_type) return std::nullopt;
    if (!comparable(e, left, *left_type, right, *right_type, ordered)) return std::nullopt;
    return plain(value_kind::boolean);
  }

  std::optional<value_type> visit_in(const expression& e) {
    const expression& left = *e.operands[0];
    const expression& right = *e.operands[1];
    if (is_null_literal(left)) return fail(left, "`null` is in no list: write `_.a == null`");
    const auto type = visit(left);
    if (!type) return std::nullopt;
    if (type->kind == value_kind::list)
      return fail(e, "a list cannot be looked up in a list: `in` takes one value");
    if (!is_plain(type->kind))
      return fail(e, std::string(a_kind(type->kind)) + " cannot be looked up in a list");
    if (right.op != expression_op::list) {
      const auto list = visit(right);
      if (!list) return std::nullopt;
      if (list->kind != value_kind::list || !list->element)
        return fail(e, "`in` needs a list after it, not " + std::string(a_kind(list->kind)) +
                           ": write for instance `in [1, 2]`");
      if (!comparable(e, left, *type, right, *list->element, false)) return std::nullopt;
      return plain(value_kind::boolean);
    }
    if (right.operands.empty()) return fail(right, "the list after `in` is empty");
    for (const auto& item : right.operands) {
      if (is_null_literal(*item))
        return fail(*item, "`in` does not find null: write `(_.a == null) | (_.a in [..])`");
      const auto item_type = visit(*item);
      if (!item_type || !comparable(*item, left, *type, *item, *item_type, false))
        return std::nullopt;
    }
    return plain(value_kind::boolean);
  }

  std::optional<value_type> visit_list(const expression& e) {
    std::optional<value_type> element;
    bool nullable = false;
    for (const auto& item : e.operands) {
      if (is_null_literal(*item)) {
        nullable = true;
        continue;
      }
      const auto type = visit(*item);
      if (!type) return std::nullopt;
      if (type->kind == value_kind::list) return fail(*item, "a list cannot hold lists");
      if (!is_plain(type->kind))
        return fail(*item, std::string(a_kind(type->kind)) + " cannot be put into a list");
      nullable = nullable || type->nullable;
      if (!element) {
        element = plain(type->kind);
      } else if (is_number(element->kind) && is_number(type->kind)) {
        if (type->kind == value_kind::floating) element = plain(value_kind::floating);
      } else if (element->kind != type->kind) {
        return fail(*item, "a list holds values of one type, not " +
                               std::string(a_kind(element->kind)) + " and " +
                               std::string(a_kind(type->kind)));
      }
    }
    if (!element) return fail(e, "a list needs at least one value that is not null");
    element->nullable = nullable;
    return value_type{value_kind::list, false, std::make_shared<const value_type>(*element)};
  }

  const attribute_types& types_;
};

}  // namespace

expression_result<value_type> type_of(const expression& e, const attribute_types& types) {
  typer typing(types);
  const auto type = typing.visit(e);
  if (!type) return {{}, std::move(typing.error)};
  return {*type, std::nullopt};
}

}  // namespace windrow::schema
