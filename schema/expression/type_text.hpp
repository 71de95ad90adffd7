#pragma once

#include <string>
#include <string_view>

#include "schema/expression/column.hpp"
#include "windrow/result.hpp"

namespace windrow::schema {

/// A type as declarations spell it: `int`, `list[str] | null`, `map[str, float]`,
/// `struct{street: str, zip: int | null}`, `bytes`, `FeatureTime`, `User.id`.
struct type_text {
  /// For a foreign key only `nullable` is known here; the rest is the referenced key's type.
  value_type type;
  bool is_feature_time = false;
  std::string references_class;  ///< `User` of `User.id`
  std::string references_field;  ///< `id` of `User.id`
};

/// Reads a type. The failure says what is wrong and what to write.
result<type_text> parse_type(std::string_view text);

/// `[A-Za-z_][A-Za-z0-9_]*`, at most 200 characters.
bool is_identifier(std::string_view text) noexcept;

/// `Transaction` -> `transaction`, `CreditCard` -> `credit_card`, `HTTPCall` -> `http_call`.
std::string snake_case(std::string_view class_name);

}  // namespace windrow::schema
