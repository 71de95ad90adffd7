#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Words for messages about names that do not exist.
namespace windrow {

/// How the message about an unknown `name` goes on: `did you mean `amount`?` where one of `known`
/// is close, else `there are: `a`, `b``, else nothing.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

/// What is said of a `name` that no `kind` of things has: ``there is no source `x`; …``, going on
/// as `did_you_mean` does.
std::string no_such(std::string_view kind, std::string_view name,
                    const std::vector<std::string>& known);

/// The names of things that have one, in their order.
template <class Things>
std::vector<std::string> names_of(const Things& things) {
  std::vector<std::string> out;
  for (const auto& thing : things) out.emplace_back(thing.name);
  return out;
}

/// `a`, `a and b`, `a, b and c`.
std::string join_words(const std::vector<std::string>& words);

/// The text between backquotes (ticks), as names appear in messages.
std::string ticked(std::string_view text);

}  // namespace windrow
