#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Words for messages about names that do not exist.
namespace windrow {

/// How the message about an unknown `name` goes on: `did you mean `amount`?` where one of `known`
/// is close, else `there are: `a`, `b``, else nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

/// `a`, `a and b`, `a, b and c`.
std::string join_words(const std::vector<std::string>& words);

/// The text between backquotes (ticks), as names appear in messages.
std::string ticked(std::string_view text);

}  // namespace windrow
