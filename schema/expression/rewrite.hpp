#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schema/expression/expression.hpp"

/// Building new expressions from parsed ones. Trees are shared and never changed in place.
namespace windrow::schema {

/// What an attribute becomes; null leaves it as it is.
using attribute_substitution = std::function<expression_ptr(const std::vector<std::string>& path)>;

/// `e` with its attributes replaced. Aggregate nodes are left alone.
expression_ptr substitute(const expression_ptr& e, const attribute_substitution& replacement);

/// Calls `visit` for every attribute and header node of `e`, keys and arguments of an aggregate
/// call included.
void for_each_attribute(const expression& e, const std::function<void(const expression&)>& visit);

/// The parts of `a & b & c`, or the expression itself.
std::vector<expression_ptr> conjuncts(const expression_ptr& e);

/// The parts joined by `&`, each once, in the order of their canonical text; null for none. Equal
/// sets of parts give equal canonical texts.
expression_ptr conjunction(std::vector<expression_ptr> parts);

/// `_.name`
expression_ptr attribute(std::string name);

/// An int expression as a float.
expression_ptr as_float(const expression_ptr& e);

}  // namespace windrow::schema
