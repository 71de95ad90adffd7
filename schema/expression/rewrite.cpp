#include "schema/expression/rewrite.hpp"

#include <map>
#include <utility>

namespace windrow::schema {
namespace {

expression_ptr binary(expression_op op, expression_ptr left, expression_ptr right) {
  auto out = std::make_shared<expression>();
  out->op = op;
  out->at = left->at;
  out->operands = {std::move(left), std::move(right)};
  return out;
}

}  // namespace

expression_ptr substitute(const expression_ptr& e, const attribute_substitution& replacement) {
  if (e->op == expression_op::attribute || e->op == expression_op::header) {
    expression_ptr other = replacement(e->path);
    return other ? other : e;
  }
  if (e->operands.empty()) return e;
  auto out = std::make_shared<expression>(*e);
  for (expression_ptr& operand : out->operands) operand = substitute(operand, replacement);
  return out;
}

void for_each_attribute(const expression& e, const std::function<void(const expression&)>& visit) {
  if (e.op == expression_op::attribute || e.op == expression_op::header) visit(e);
  for (const expression_ptr& operand : e.operands) for_each_attribute(*operand, visit);
  if (!e.call) return;
  for (const expression_ptr& key : e.call->keys) for_each_attribute(*key, visit);
  for (const expression_ptr& a : e.call->arguments) for_each_attribute(*a, visit);
  for (const auto& [_, a] : e.call->named_arguments) for_each_attribute(*a, visit);
}

std::vector<expression_ptr> conjuncts(const expression_ptr& e) {
  if (e->op != expression_op::logical_and) return {e};
  std::vector<expression_ptr> out;
  for (const expression_ptr& operand : e->operands) {
    for (expression_ptr& part : conjuncts(operand)) out.push_back(std::move(part));
  }
  return out;
}

expression_ptr conjunction(std::vector<expression_ptr> parts) {
  std::map<std::string, expression_ptr> ordered;
  for (expression_ptr& part : parts) ordered.emplace(canonical(*part), std::move(part));
  expression_ptr out;
  for (auto& [_, part] : ordered) {
    out = out ? binary(expression_op::logical_and, std::move(out), part) : part;
  }
  return out;
}

expression_ptr attribute(std::string name) {
  auto out = std::make_shared<expression>();
  out->op = expression_op::attribute;
  out->path = {std::move(name)};
  return out;
}

expression_ptr as_float(const expression_ptr& e) {
  auto zero = std::make_shared<expression>();
  zero->op = expression_op::literal;
  zero->literal = 0.0;
  zero->at = e->at;
  return binary(expression_op::add, e, std::move(zero));
}

}  // namespace windrow::schema
