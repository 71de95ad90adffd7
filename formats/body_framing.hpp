#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "windrow/result.hpp"

/// Cuts a body that is in memory as a whole into its messages, as they stand there: nothing is
/// decoded or copied.
namespace windrow::formats {

/// A message per line; empty lines, and those of spaces, are none. `too_many` if there are more
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

/// How bodies of one media type are cut.
struct body_framing {
  std::string_view media_type;
  /// At most `most` messages, each a view into `body`; `invalid` if it is no such body.
  result<split_messages> (*split)(std::string_view body, std::size_t most) = nullptr;
};

/// All there are; the first one serves bodies of which nothing is known.
std::span<const body_framing> body_framings() noexcept;

}  // namespace windrow::formats
