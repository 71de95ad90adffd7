#include "tools/table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace windrow::tools {
namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view plain = "\x1b[0m";
constexpr std::size_t gap = 3;
constexpr std::size_t narrowest = 8;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(printable(text.substr(0, end)));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Where each column stands: settled before anything is drawn.
struct layout {
  std::vector<std::vector<std::string>> headers;
  std::vector<align> sides;
  std::vector<std::size_t> widths;

  std::size_t total() const {
    std::size_t sum = 2;
    for (std::size_t i = 0; i < widths.size(); ++i) sum += widths[i] + (i == 0 ? 0 : gap);
    return sum;
  }
};

/// Takes columns off the widest left-aligned one until the table fits or all are narrow.
void shrink(layout& l, std::size_t limit) {
  while (l.total() > limit) {
    std::size_t widest = l.widths.size();
    for (std::size_t i = 0; i < l.widths.size(); ++i) {
      if (l.sides[i] != align::left || l.widths[i] <= narrowest) continue;
      if (widest == l.widths.size() || l.widths[i] > l.widths[widest]) widest = i;
    }
    if (widest == l.widths.size()) return;
    --l.widths[widest];
  }
}

class drawing {
public:
  drawing(const layout& l, bool colours) : layout_(l), colours_(colours) {}

  void text(std::string_view line, std::string_view style) {
    if (colours_ && !style.empty()) {
      out_.append(style).append(line).append(plain);
    } else {
      out_ += line;
    }
    out_ += '\n';
  }

  void rule(std::string_view style) {
    std::string line;
    for (std::size_t i = 0; i < layout_.total(); ++i) line += "─";
    text(line, style);
  }

  void cells(const std::vector<std::string>& cells, std::string_view style) {
    std::string line = " ";
    for (std::size_t i = 0; i < layout_.widths.size(); ++i) {
      if (i > 0) line.append(gap, ' ');
      const std::string_view cell = i < cells.size() ? std::string_view(cells[i]) : "";
      const std::size_t width = layout_.widths[i];
      // Numbers are never cut: their columns are as wide as they are.
      line += pad(truncate(cell, width), width, layout_.sides[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text(line, style);
  }

  std::string take() { return std::move(out_); }

private:
  const layout& layout_;
  bool colours_;
  std::string out_;
};

}  // namespace

bool looks_numeric(std::string_view cell) {
  if (cell == "–" || cell == "-") return true;
  if (!cell.empty() && (cell.front() == '-' || cell.front() == '+')) cell.remove_prefix(1);
  if (cell.empty() || !is_digit(cell.front())) return false;
  // A number and, at most, a unit: a date or a version has more to it.
  const std::size_t end = cell.find_first_not_of("0123456789.,");
  if (end == std::string_view::npos) return true;
  std::string_view rest = cell.substr(end);
  if (rest.starts_with("e+") || rest.starts_with("e-")) rest.remove_prefix(2);
  return rest.size() <= 16 && rest.find_first_of("-:/_=") == std::string_view::npos;
}

table::table(std::vector<column> columns) : columns_(std::move(columns)) {}

table& table::title(std::string text) {
  title_ = std::move(text);
  return *this;
}

table& table::footer(std::string text) {
  footers_.push_back(std::move(text));
  return *this;
}

table& table::row(std::vector<std::string> cells) {
  assert(cells.size() <= columns_.size());
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
  ++row_count_;
  return *this;
}

table& table::rule() {
  rows_.emplace_back();
  return *this;
}

std::string table::render(const table_options& options) const {
  layout l;
  std::size_t header_lines = 1;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    l.headers.push_back(lines_of(columns_[i].header));
    header_lines = std::max(header_lines, l.headers.back().size());
    std::size_t width = 0;
    for (const std::string& line : l.headers.back()) width = std::max(width, display_width(line));
    bool numbers = true, any = false;
    for (const auto& row : rows_) {
      if (row.empty()) continue;
      width = std::max(width, display_width(row[i]));
      numbers = numbers && (row[i].empty() || looks_numeric(row[i]));
      any = any || !row[i].empty();
    }
    l.widths.push_back(width);
    l.sides.push_back(columns_[i].side.value_or(numbers && any ? align::right : align::left));
  }
  if (options.width != 0) shrink(l, options.width);

  drawing d(l, options.colours);
  if (!title_.empty()) d.text(title_, bold);
  for (std::size_t line = 0; line < header_lines; ++line) {
    std::vector<std::string> cells;
    for (const auto& header : l.headers) {
      // Short headers stand at the bottom, next to their column.
      const std::size_t above = header_lines - header.size();
      cells.push_back(line < above ? std::string() : header[line - above]);
    }
    d.cells(cells, bold);
  }
  d.rule(dim);
  for (const auto& row : rows_) {
    row.empty() ? d.rule(dim) : d.cells(row, "");
  }
  for (const std::string& footer : footers_) d.text(footer, dim);
  return d.take();
}

}  // namespace windrow::tools
