#pragma once

#include <string>

#include "server/body/dead_letters_json.hpp"
#include "tools/table.hpp"

/// The answers of `windrow deadletters`.
namespace windrow::tools {

using node::dead_letter_line;
using node::dead_letter_listing;
using node::dead_letter_tally;

/// A line a letter. Below it the counts, where there are letters that are not shown.
std::string list_table(const dead_letter_listing& what, const table_options& options);
/// Each letter with its whole message, safe to print.
std::string show_text(const dead_letter_listing& what);
/// The messages alone, byte by byte, a line each.
std::string show_raw(const dead_letter_listing& what);

}  // namespace windrow::tools
