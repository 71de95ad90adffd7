#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/expression/expression.hpp"

/// The words of an expression. Used by the parser only.
namespace windrow::schema {

enum class token_kind : std::uint8_t {
  end,       ///< after the last character
  integer,   ///< digits
  floating,  ///< digits with a point or an exponent
  text,      ///< a string; `value` holds what it means
  name,      ///< letters, digits and `_`
  sign,      ///< an operator, a bracket, `,` or `.`, also some that only other languages have
  invalid,   ///< what cannot be a token; `value` says why
};

struct token {
  token_kind kind = token_kind::end;
  std::string_view text;  ///< as written; borrowed from the expression's text
  source_position at;
  std::string value;
};

/// Cuts `text` into tokens, the last of which is `end` or `invalid`: a mistake is reported when
/// the parser arrives at it, so that the first mistake is the one a person reads about.
std::vector<token> tokenize(std::string_view text, source_position origin);

/// `text` in double quotes, with the escapes that `tokenize` reads.
std::string quote(std::string_view text);

}  // namespace windrow::schema
