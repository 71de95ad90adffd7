#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/dead_letter_listing.hpp"
#include "server/body/body_shape.hpp"
#include "storage/journal/journal.hpp"

/// Messages that could not be used, as JSON: the answers of `windrow deadletters list` and `show`.
namespace windrow::server {

/// `{"found", "counts": […], "letters": […]}`; letters with their messages where `whole`, else with
/// their beginning. A message that is not UTF-8 is there as `base64` too.
std::string dead_letters_json(const node::dead_letter_listing& what, bool whole);
result<node::dead_letter_listing> read_dead_letters(std::string_view json);

/// `{"replayed", "cut", "undeclared"}` and `{"dropped"}`: letters that left.
std::string replay_json(const storage::replay_outcome& done);
result<storage::replay_outcome> read_replay(std::string_view json);
std::string drop_json(std::uint64_t dropped);
result<std::uint64_t> read_drop(std::string_view json);

/// What `dead_letters_json`, `replay_json` and `drop_json` write.
extern const body_shape dead_letters_shape;
extern const body_shape replayed_shape;
extern const body_shape dropped_shape;

}  // namespace windrow::server
