#include "schema/aggregation/bind_aggregate.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/rewrite.hpp"

namespace windrow::schema {
namespace {

constexpr std::array<std::pair<std::string_view, aggregation>, 12> functions{
    {{"sum", aggregation::sum},
     {"count", aggregation::count},
     {"min", aggregation::min},
     {"max", aggregation::max},
     {"mean", aggregation::mean},
     {"std", aggregation::std},
     {"stddev", aggregation::std},
     {"std_sample", aggregation::std},
     {"stddev_sample", aggregation::std},
     {"var", aggregation::var},
     {"var_sample", aggregation::var},
     {"approx_count_distinct", aggregation::approx_count_distinct}}};

std::optional<aggregation> function_named(const aggregate_call& call, source_position at,
                                          diagnostics& out) {
  std::vector<std::string> names;
  for (const auto& [name, function] : functions) {
    if (call.function == name) return function;
    names.emplace_back(name);
  }
  out.error(at, "unknown aggregation " + ticked(call.function) + "; " +
                    did_you_mean(call.function, names));
  return std::nullopt;
}

bool is_bound(const expression& e) {
  return e.op == expression_op::attribute && e.path.size() == 1 &&
         (e.path[0] == "chalk_window" || e.path[0] == "chalk_now");
}

/// The window's bounds; nothing else may begin with `chalk_`.
bool reads_bound(const expression& e) {
  bool found = false;
  for_each_attribute(e, [&](const expression& a) {
    found |= !a.path.empty() && (a.path[0] == "chalk_window" || a.path[0] == "chalk_now");
  });
  return found;
}

bool is_comparison(expression_op op) {
  switch (op) {
    case expression_op::equal:
    case expression_op::not_equal:
    case expression_op::less:
    case expression_op::less_equal:
    case expression_op::greater:
    case expression_op::greater_equal:
      return true;
    default:
      return false;
  }
}

expression_op mirrored(expression_op op) {
  switch (op) {
    case expression_op::less:
      return expression_op::greater;
    case expression_op::less_equal:
      return expression_op::greater_equal;
    case expression_op::greater:
      return expression_op::less;
    case expression_op::greater_equal:
      return expression_op::less_equal;
    default:
      return op;
  }
}

/// Says what is wrong with a filter that reads the window's bounds; silent where it selects the
/// window, which the buckets do anyway.
void check_bound(const expression& e, const planner_class& child, diagnostics& out) {
  const std::string& name = child.declared->name;
  if (child.feature_time.empty()) {
    out.error(e.at, ticked(name) +
                        " has no FeatureTime to compare the window with; declare "
                        "such as `ts: FeatureTime`");
    return;
  }
  const std::string time = "_." + child.feature_time;
  const std::string advice =
      "write " + ticked(time + " > _.chalk_window") + " or " + ticked(time + " <= _.chalk_now");
  if (!is_comparison(e.op) || is_bound(*e.operands[0]) == is_bound(*e.operands[1])) {
    out.error(e.at,
              "`_.chalk_window` and `_.chalk_now` can only be compared with the "
              "FeatureTime; " +
                  advice);
    return;
  }
  const bool bound_first = is_bound(*e.operands[0]);
  const expression& bound = *e.operands[bound_first ? 0 : 1];
  const expression& other = *e.operands[bound_first ? 1 : 0];
  if (other.op != expression_op::attribute || other.path.size() != 1 ||
      other.path[0] != child.feature_time) {
    out.error(other.at, "`_." + bound.path[0] + "` is compared with something else than the " +
                            "FeatureTime of " + ticked(name) + "; " + advice);
    return;
  }
  const expression_op op = bound_first ? mirrored(e.op) : e.op;
  const bool selects = bound.path[0] == "chalk_window"
                           ? op == expression_op::greater || op == expression_op::greater_equal
                           : op == expression_op::less || op == expression_op::less_equal;
  if (!selects) {
    out.error(e.at, "this comparison with `_." + bound.path[0] +
                        "` selects what is outside the window; " + advice);
  }
}

/// Sorts keys; one use a call.
class key_sorter {
public:
  key_sorter(const planner_class& child, planner_state& state) : child_(child), state_(state) {
    for (const auto& [name, _] : child.fields) names_.push_back(name);
    types_ = [this](const std::vector<std::string>& path) -> std::optional<value_type> {
      if (path.size() != 1) return std::nullopt;
      const auto found = child_.fields.find(path[0]);
      if (found == child_.fields.end()) return std::nullopt;
      return found->second->type;
    };
  }

  void take(const expression_ptr& key) {
    if (key->op == expression_op::attribute) return take_attribute(key);
    if (key->op == expression_op::literal || key->op == expression_op::list ||
        key->op == expression_op::header || key->op == expression_op::aggregate) {
      state_.out.error(key->at,
                       "expected a field such as `_.amount` or a filter such as "
                       "`_.amount > 10` in the brackets");
      return;
    }
    if (!reads_bound(*key)) {
      const auto type = type_in_child(key);
      if (!type) return;
      if (type->kind != value_kind::boolean) return take_projection(key, *type);
    }
    for (const expression_ptr& part : conjuncts(key)) take_filter(part);
  }

  expression_ptr projection;
  value_type projection_type;
  std::vector<expression_ptr> filters;
  /// A key could not be read, perhaps because of an error reported elsewhere.
  bool failed = false;

private:
  void take_attribute(const expression_ptr& key) {
    if (is_bound(*key)) return check_bound(*key, child_, state_.out);
    const auto type = type_in_child(key);
    if (!type) return;
    if (type->kind == value_kind::boolean) {
      state_.out.error(key->at, ticked(canonical(*key)) + " is a bool; to filter by it write " +
                                    ticked(canonical(*key) + " == true"));
      return;
    }
    take_projection(key, *type);
  }

  void take_projection(const expression_ptr& key, const value_type& type) {
    if (projection) {
      state_.out.error(key->at, "only one field can be aggregated, and " +
                                    ticked(canonical(*projection)) + " already is; remove " +
                                    ticked(canonical(*key)) + " or make it a filter");
      return;
    }
    projection = key;
    projection_type = type;
  }

  void take_filter(const expression_ptr& part) {
    if (reads_bound(*part)) return check_bound(*part, child_, state_.out);
    const auto type = type_in_child(part);
    if (!type) return;
    if (type->kind == value_kind::boolean) return filters.push_back(part);
    failed = true;
    state_.out.error(part->at, ticked(canonical(*part)) + " is " + ticked(to_string(*type)) +
                                   ", and a filter is a bool; write a comparison");
  }

  std::optional<value_type> type_in_child(const expression_ptr& e) {
    if (!state_.check_attributes(*e, names_, ticked(child_.declared->name), child_.path)) {
      failed = true;
      return std::nullopt;
    }
    const auto type = type_of(*e, types_);
    if (!type) {
      failed = true;
      state_.out.error(type.error->at, type.error->message);
      return std::nullopt;
    }
    return type.value;
  }

  const planner_class& child_;
  planner_state& state_;
  std::vector<std::string> names_;
  attribute_types types_;
};

bool check_argument(const aggregate_call& call, aggregation function, const expression& e,
                    const key_sorter& keys, const planner_class& child, diagnostics& out) {
  if (function == aggregation::count) return true;
  if (!keys.projection) {
    out.error(e.at, ticked(call.function) + " needs to know of what; write such as " +
                        ticked("_." + call.relation + "[_." +
                               (child.fields.empty() ? std::string("amount")
                                                     : child.fields.begin()->first) +
                               "]." + call.function + "()"));
    return false;
  }
  const value_kind kind = keys.projection_type.kind;
  const std::string what =
      ticked(canonical(*keys.projection)) + " is " + ticked(to_string(keys.projection_type));
  if (function == aggregation::approx_count_distinct) {
    if (is_plain(kind)) return true;
    out.error(keys.projection->at,
              what + (kind == value_kind::list ? ", and lists cannot be counted; use a plain field"
                                               : ", which cannot be counted; use a plain field"));
    return false;
  }
  if (kind == value_kind::integer || kind == value_kind::floating) return true;
  out.error(keys.projection->at, ticked(call.function) + " needs `int` or `float`, but " + what +
                                     "; use `count` or `approx_count_distinct`, or another field");
  return false;
}

}  // namespace

std::optional<bound_aggregate> bind_aggregate(const expression& e, const planner_class& child,
                                              planner_state& state) {
  const std::size_t errors_before = state.out.error_count();
  const aggregate_call& call = *e.call;
  const auto function = function_named(call, e.at, state.out);
  if (!call.arguments.empty() || !call.named_arguments.empty()) {
    const source_position at =
        call.arguments.empty() ? call.named_arguments[0].second->at : call.arguments[0]->at;
    state.out.error(at, ticked(call.function) +
                            " takes no arguments; what is aggregated stands in "
                            "the brackets, as in " +
                            ticked("_." + call.relation + "[_.amount].sum()"));
  }
  key_sorter keys(child, state);
  for (const expression_ptr& key : call.keys) keys.take(key);
  const bool clean = !keys.failed && state.out.error_count() == errors_before;
  if (!function || !clean || !check_argument(call, *function, e, keys, child, state.out)) {
    return std::nullopt;
  }
  bound_aggregate shape;
  shape.function = *function;
  if (*function != aggregation::count) {
    shape.argument = keys.projection;
    shape.argument_type = keys.projection_type;
  }
  shape.filter = conjunction(std::move(keys.filters));
  return shape;
}

value_type result_type(aggregation function, const value_type& argument) {
  value_type out;
  switch (function) {
    case aggregation::count:
    case aggregation::approx_count_distinct:
      out.kind = value_kind::integer;
      break;
    case aggregation::sum:
      out.kind = argument.kind;
      break;
    case aggregation::min:
    case aggregation::max:
      out.kind = argument.kind;
      out.nullable = true;
      break;
    case aggregation::mean:
    case aggregation::std:
    case aggregation::var:
      out.kind = value_kind::floating;
      out.nullable = true;
      break;
  }
  return out;
}

}  // namespace windrow::schema
