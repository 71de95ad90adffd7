#include "schema/plan/bind_aggregate.hpp"

#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/rewrite.hpp"

namespace windrow::schema {
namespace {

const aggregation_description* function_named(const aggregate_call& call, source_position at,
                                              planner_state& state) {
  std::vector<std::string> names;
  for (const aggregation_description* d : state.aggregations) {
    const auto& aliases = d->aliases;
    if (call.function == d->name ||
        std::find(aliases.begin(), aliases.end(), call.function) != aliases.end()) {
      return d;
    }
    names.emplace_back(d->name);
    names.insert(names.end(), aliases.begin(), aliases.end());
  }
  state.out.error(at, "unknown aggregation " + ticked(call.function) + "; " +
                          did_you_mean(call.function, names));
  return nullptr;
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
  /// `bools`: whether a bare bool field is the argument, not a filter that lacks its comparison.
  key_sorter(const planner_class& child, planner_state& state, bool bools)
      : child_(child), state_(state), bools_(bools) {
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

  /// The type of an expression over the child, or nothing after saying what is wrong.
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
    if (type->kind == value_kind::boolean && !bools_) {
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

  const planner_class& child_;
  planner_state& state_;
  bool bools_;
  std::vector<std::string> names_;
  attribute_types types_;
};

/// A field that the aggregation could take, for an example.
std::string field_for(const aggregation_description& function, const planner_class& child) {
  for (const auto& [name, field] : child.fields) {
    if (function.arguments.has(field->type.kind)) return name;
  }
  return child.fields.empty() ? "amount" : child.fields.begin()->first;
}

bool check_argument(const aggregate_call& call, const aggregation_description& function,
                    const expression& e, const key_sorter& keys, const planner_class& child,
                    diagnostics& out) {
  if (!function.needs_argument()) return true;
  if (!keys.projection) {
    out.error(e.at, ticked(call.function) + " needs to know of what; write such as " +
                        ticked("_." + call.relation + "[_." + field_for(function, child) + "]." +
                               call.function + "()"));
    return false;
  }
  if (function.arguments.has(keys.projection_type.kind)) return true;
  const std::string what =
      ticked(canonical(*keys.projection)) + " is " + ticked(to_string(keys.projection_type));
  out.error(keys.projection->at, function.refuse(call.function, what));
  return false;
}

/// Matches what stands in a call's parentheses with what its aggregation takes; one use a call.
class argument_binder {
public:
  argument_binder(const aggregate_call& call, const aggregation_description& function,
                  key_sorter& keys, diagnostics& out)
      : call_(call), function_(function), keys_(keys), out_(out) {}

  /// Says what is wrong.
  void bind(source_position at, bound_aggregate& to) {
    if (function_.parameters.empty()) {
      refuse_any();
    } else {
      given_.assign(function_.parameters.size(), nullptr);
      take_positional();
      take_named();
      for (std::size_t i = 0; i < given_.size(); ++i) take(i, at, to);
    }
  }

private:
  void refuse_any() {
    if (call_.arguments.empty() && call_.named_arguments.empty()) return;
    const source_position at =
        call_.arguments.empty() ? call_.named_arguments[0].second->at : call_.arguments[0]->at;
    out_.error(at, ticked(call_.function) +
                       " takes no arguments; what is aggregated stands in the brackets, as in " +
                       ticked("_." + call_.relation + "[_.amount].sum()"));
  }

  void take_positional() {
    for (std::size_t i = 0; i < call_.arguments.size(); ++i) {
      if (i == given_.size()) {
        out_.error(call_.arguments[i]->at,
                   ticked(call_.function) + " takes " + wanted() + ", and nothing after it");
        return;
      }
      given_[i] = call_.arguments[i];
    }
  }

  void take_named() {
    for (const auto& [name, e] : call_.named_arguments) {
      const auto& all = function_.parameters;
      const auto found = std::find_if(all.begin(), all.end(),
                                      [&, &n = name](const auto& p) { return p.name == n; });
      if (found == all.end()) {
        out_.error(e->at, ticked(call_.function) + " has no parameter " + ticked(name) +
                              "; it takes " + wanted());
        continue;
      }
      expression_ptr& slot = given_[static_cast<std::size_t>(found - all.begin())];
      if (slot)
        out_.error(e->at, ticked(name) + " of " + ticked(call_.function) + " is given twice");
      slot = e;
    }
  }

  void take(std::size_t index, source_position at, bound_aggregate& to) {
    const aggregation_parameter& p = function_.parameters[index];
    const expression_ptr& e = given_[index];
    if (e && p.what == aggregation_parameter::form::column) return take_column(p, e, to);
    if (e) return take_constant(p, *e, to);
    if (p.otherwise) return to.parameters.push_back(*p.otherwise);
    out_.error(at, ticked(call_.function) + " needs " + ticked(std::string(p.name)) +
                       "; it takes " + wanted());
  }

  void take_column(const aggregation_parameter& p, const expression_ptr& e, bound_aggregate& to) {
    const auto type = keys_.type_in_child(e);
    if (!type) return;
    if (!p.kinds.has(type->kind)) return refuse(p, *e, "is " + ticked(to_string(*type)));
    to.second_argument = e;
    to.second_argument_type = *type;
  }

  void take_constant(const aggregation_parameter& p, const expression& e, bound_aggregate& to) {
    if (e.op != expression_op::literal) return refuse(p, e, "is no literal");
    const auto kind = kind_of(e.literal);
    if (!kind || !p.kinds.has(*kind)) return refuse(p, e, "is of another type");
    if (const auto wrong = p.check ? p.check(e.literal) : std::string_view(); !wrong.empty()) {
      return refuse(p, e, std::string(wrong));
    }
    to.parameters.push_back(e.literal);
  }

  static std::optional<value_kind> kind_of(const windrow::value& v) {
    if (std::holds_alternative<bool>(v)) return value_kind::boolean;
    if (std::holds_alternative<std::int64_t>(v)) return value_kind::integer;
    if (std::holds_alternative<double>(v)) return value_kind::floating;
    if (std::holds_alternative<std::string>(v)) return value_kind::text;
    return std::nullopt;
  }

  void refuse(const aggregation_parameter& p, const expression& e, const std::string& why) {
    out_.error(e.at, ticked(std::string(p.name)) + " of " + ticked(call_.function) + " " + why +
                         "; it takes " + wanted());
  }

  /// `n` (a literal), `by` (an expression over `_`).
  std::string wanted() const {
    std::string out;
    for (const aggregation_parameter& p : function_.parameters) {
      const bool column = p.what == aggregation_parameter::form::column;
      out += (out.empty() ? "" : ", ") + ticked(std::string(p.name)) +
             (column ? " (an expression over `_`)" : " (a literal)");
    }
    return out;
  }

  const aggregate_call& call_;
  const aggregation_description& function_;
  key_sorter& keys_;
  diagnostics& out_;
  std::vector<expression_ptr> given_;  // one per parameter
};

}  // namespace

std::optional<bound_aggregate> bind_aggregate(const expression& e, const planner_class& child,
                                              planner_state& state) {
  const std::size_t errors_before = state.out.error_count();
  const aggregate_call& call = *e.call;
  const aggregation_description* function = function_named(call, e.at, state);
  key_sorter keys(child, state, function && function->arguments.has(value_kind::boolean));
  bound_aggregate bound;
  bound.function = function;
  if (function) argument_binder(call, *function, keys, state.out).bind(e.at, bound);
  for (const expression_ptr& key : call.keys) keys.take(key);
  const bool clean = !keys.failed && state.out.error_count() == errors_before;
  if (!function || !clean || !check_argument(call, *function, e, keys, child, state.out)) {
    return std::nullopt;
  }
  if (function->needs_argument()) {
    bound.argument = keys.projection;
    bound.argument_type = keys.projection_type;
  }
  bound.filter = conjunction(std::move(keys.filters));
  return bound;
}

}  // namespace windrow::schema
