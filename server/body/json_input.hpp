#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// Reading JSON with simdjson: for the sources of `server/` only, which give values away.
namespace windrow::server {

/// Nesting beyond this is refused: no document of the API needs it.
inline constexpr std::size_t json_depth_max = 32;

/// Parses `text` and gives `read(root)`, a `result<T>`. What is not JSON is `bad` with `what` in
/// its message; so is a wrong type that `read` met with simdjson's throwing accessors.
template <class T, class Read>
result<T> with_json(std::string_view text, errc bad, const std::string& what, Read&& read) {
  try {
    simdjson::dom::parser parser;
    if (const auto refused = parser.allocate(text.size() + 1, json_depth_max)) {
      return failure{errc::io, simdjson::error_message(refused)};
    }
    const simdjson::padded_string padded(text);
    simdjson::dom::element root;
    if (const auto wrong = parser.parse(padded).get(root)) {
      return failure{bad,
                     what + " is not JSON that can be used: " + simdjson::error_message(wrong)};
    }
    return read(root);
  } catch (const simdjson::simdjson_error& wrong) {
    return failure{bad, what + " is not what was expected: " + wrong.what()};
  }
}

/// A value of an answer. Times and bytes are text in JSON and stay so; an object is a struct, for
/// it does not say whether it was a map.
windrow::value value_of(simdjson::dom::element element);
/// Text of a member that must be there. Throws simdjson's error.
std::string text_of(simdjson::dom::element object, const char* name);
std::uint64_t number_of(simdjson::dom::element object, const char* name);
timestamp time_of(simdjson::dom::element element);
/// What an answer says in place of a value: `{"code": …, "message": …}`.
failure failure_of(simdjson::dom::element object);

}  // namespace windrow::server
