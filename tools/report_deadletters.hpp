#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/dead_letter.hpp"
#include "tools/table.hpp"

/// The answers of `windrow deadletters`.
namespace windrow::tools {

struct letter_line {
  std::string source;                 ///< declared name
  std::string partition;              ///< what numbered it
  std::string where;                  ///< `line 7`, `push 3, message 2`; empty where not known
  std::optional<std::uint64_t> line;  ///< of files that are still there
  storage::dead_letter letter;
};

/// Of one source partition, over all time, whether the letters are kept or not.
struct letter_count {
  std::string partition;
  std::string phase;
  std::string reason;
  std::uint64_t count = 0;
};

struct letter_listing {
  std::vector<letter_line> letters;   ///< those shown, oldest first
  std::uint64_t found = 0;            ///< kept letters that were asked for, shown or not
  std::vector<letter_count> counts;
};

/// A line a letter. Below it the counts, where there are letters that are not shown.
std::string list_table(const letter_listing& what, const table_options& options);
/// Each letter with its whole message, safe to print.
std::string show_text(const letter_listing& what);
/// The messages alone, byte by byte, a line each.
std::string show_raw(const letter_listing& what);
/// `{"found", "counts": […], "letters": […]}`; letters with their messages where `whole`, else with
/// their beginning.
std::string letters_json(const letter_listing& what, bool whole);

}  // namespace windrow::tools
