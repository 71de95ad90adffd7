#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "windrow/result.hpp"

/// The messages of a pushed body, as they stand there: nothing is decoded or copied.
namespace windrow::server {

/// A message a line; empty lines, and those of spaces, are none. `too_many` where there are more
/// than `most`.
struct split_messages {
  std::vector<std::string_view> messages;
  bool too_many = false;
};
split_messages split_lines(std::string_view body, std::size_t most);

/// The elements of a JSON array, or one JSON object. Only as much is understood as is needed to
/// find where elements end: strings, brackets and commas. `invalid` where the array does not end or
/// something follows it; what is wrong inside an element is found when it is applied.
result<split_messages> split_array(std::string_view body, std::size_t most);

}  // namespace windrow::server
