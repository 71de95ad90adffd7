#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/node.hpp"
#include "server/body/body_shape.hpp"
#include "storage/journal/dead_letter.hpp"

/// Messages that could not be used: the answers of `windrow deadletters list` and `show`.
namespace windrow::server {

struct dead_letter_filter {
  std::string source;               ///< declared name; empty for all
  std::string reason;               ///< a reason, a phase, or `phase: reason`; empty for all
  std::string partition;            ///< as listed; empty for all
  std::optional<std::uint64_t> at;  ///< only those at this place
  std::size_t limit = 20;           ///< the newest; 0 for all
  bool whole = false;               ///< whole messages, else their beginning
};

struct letter_line {
  std::string source;                 ///< declared name
  std::string partition;              ///< what numbered it: the path of a file, else its name
  std::optional<std::uint64_t> line;  ///< of files that are still there
  std::optional<std::uint64_t> push;  ///< entry of the journal; `place` is the message in it
  std::uint64_t place = 0;
  storage::dead_letter letter;
};

/// Of one source partition, over all time, whether the letters are kept or not.
struct letter_count {
  std::string partition;
  std::string phase;
  std::string reason;
  std::uint64_t count = 0;
};

struct dead_letter_listing {
  std::vector<letter_line> letters;  ///< those shown, oldest first
  std::uint64_t found = 0;           ///< kept letters that were asked for, shown or not
  std::vector<letter_count> counts;
};

/// `not_found` for a source that is not declared, and where nothing is at `at`.
result<dead_letter_listing> list_dead_letters(node::node& node, const dead_letter_filter& filter);

/// Of letters that are to leave: only those of a partition, named as listed, where one is named.
/// `invalid` where the filter says a place that is one of several partitions; `not_found` for a
/// partition that has none.
result<void> narrow(node::node& node, const std::optional<std::string>& partition,
                    storage::dead_letter_filter& filter);

/// `{"found", "counts": […], "letters": […]}`; letters with their messages where `whole`, else with
/// their beginning. A message that is not UTF-8 is there as `base64` too.
std::string letters_json(const dead_letter_listing& what, bool whole);
result<dead_letter_listing> read_letters(std::string_view json);

/// `{"replayed", "cut", "undeclared"}` and `{"dropped"}`: letters that left.
std::string replay_json(const storage::replay_outcome& done);
result<storage::replay_outcome> read_replay(std::string_view json);
std::string drop_json(std::uint64_t dropped);
result<std::uint64_t> read_drop(std::string_view json);

/// What `letters_json`, `replay_json` and `drop_json` write.
extern const body_shape dead_letters_shape;
extern const body_shape replayed_shape;
extern const body_shape dropped_shape;

}  // namespace windrow::server
