#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/text.hpp"

namespace windrow::tools {

struct table_options {
  bool colours = false;
  /// Columns of the terminal; 0 for no limit. Left-aligned columns give way, the widest first;
  /// numbers are never cut, so a table may still be wider.
  std::size_t width = 0;
};

/// A table for a terminal: aligned columns, one line a row, a rule under the header.
///
/// Cells may hold anything a user sent: they are made printable, so that no row takes two lines
/// and none can control the terminal. A header may have several lines, separated by `\n`.
///
///      airport   departures   mean delay
///                        7d           7d
///     ────────────────────────────────────
///      DFW               49       2.1224
class table {
public:
  /// A column without an alignment is right-aligned when each of its cells is a number or empty.
  struct column {
    column(std::string text) : header(std::move(text)) {}
    column(const char* text) : header(text) {}
    column(std::string text, align stated) : header(std::move(text)), side(stated) {}

    std::string header;
    std::optional<align> side;
  };

  explicit table(std::vector<column> columns);

  table& title(std::string text);
  /// A line under the table; may be called again for more lines.
  table& footer(std::string text);
  /// Missing cells are empty; requires no more cells than there are columns.
  table& row(std::vector<std::string> cells);
  /// A thin rule between the row before and the row after.
  table& rule();

  std::size_t rows() const noexcept { return row_count_; }

  /// The whole table, each line ended; no spaces at the ends of lines.
  std::string render(const table_options& options = {}) const;

private:
  std::vector<column> columns_;
  std::string title_;
  std::vector<std::string> footers_;
  std::vector<std::vector<std::string>> rows_;  ///< an empty vector is a rule
  std::size_t row_count_ = 0;
};

/// Whether a cell reads as a number: `12`, `-0.5`, `1,234`, `12.3 MiB`, `4.2 %`, `2m05s`, `–`.
bool looks_numeric(std::string_view cell);

}  // namespace windrow::tools
