#include "tools/report_deadletters.hpp"

#include <algorithm>

#include "tools/human.hpp"
#include "tools/text.hpp"
#include "windrow/time.hpp"

namespace windrow::tools {
namespace {

constexpr std::size_t beginning_width = 48;
constexpr std::size_t beginning_bytes = 200;

/// `line 7`, `push 3, message 2`; empty if not known.
std::string where_text(const dead_letter_line& shown) {
  if (shown.line) return "line " + std::to_string(*shown.line);
  if (!shown.push) return {};
  return "push " + count_text(*shown.push) + ", message " + count_text(shown.place);
}

std::string hidden_text(const dead_letter_listing& what) {
  const std::uint64_t hidden = what.found - what.dead_letters.size();
  return hidden == 0 ? "" : count_text(hidden) + " older, which --limit shows";
}

std::string counts_table(const dead_letter_listing& what, const table_options& options) {
  table t({{"of all time", align::left},
           {"phase", align::left},
           {"reason", align::left},
           {"messages", align::right}});
  for (const dead_letter_tally& c : what.counts) {
    t.row({c.partition, c.phase, c.reason, count_text(c.count)});
  }
  return "\n" + t.render(options);
}

}  // namespace

std::string list_table(const dead_letter_listing& what, const table_options& options) {
  std::uint64_t ever = 0;
  for (const dead_letter_tally& c : what.counts) ever += c.count;
  if (what.dead_letters.empty() && ever == 0) return "no dead letters\n";
  table t({{"source", align::left},
           {"at", align::right},
           {"where", align::left},
           {"phase", align::left},
           {"reason", align::left},
           {"what is wrong", align::left},
           {"message", align::left}});
  for (const dead_letter_line& shown : what.dead_letters) {
    const storage::dead_letter& l = shown.letter;
    const std::string beginning = printable(std::string_view(l.bytes).substr(0, beginning_bytes));
    t.row({shown.source, std::to_string(l.at), where_text(shown), l.phase, l.reason, l.message,
           truncate(beginning, beginning_width)});
  }
  if (const std::string hidden = hidden_text(what); !hidden.empty()) t.footer(" and " + hidden);
  std::string out = t.render(options);
  if (ever > what.dead_letters.size()) out += counts_table(what, options);
  return out;
}

std::string show_text(const dead_letter_listing& what) {
  if (what.dead_letters.empty()) return "no dead letters\n";
  std::string out;
  for (const dead_letter_line& shown : what.dead_letters) {
    const storage::dead_letter& l = shown.letter;
    const std::string where = where_text(shown);
    if (!out.empty()) out += "\n";
    out += printable(shown.source) + (where.empty() ? "" : ", " + where) + ", at " +
           std::to_string(l.at) + " of " + printable(shown.partition) + "\n";
    out += printable(l.phase + ": " + l.reason + ": " + l.message) + "\n";
    out += "arrived " + format_time({l.arrival}) + ", for the stream " + printable(l.stream) + "\n";
    if (l.total_bytes > l.bytes.size()) {
      out += "the first " + bytes_text(l.bytes.size()) + " of " + bytes_text(l.total_bytes) + "\n";
    }
    out += printable(l.bytes) + "\n";
  }
  const std::string hidden = hidden_text(what);
  return hidden.empty() ? out : out + "\nand " + hidden + "\n";
}

std::string show_raw(const dead_letter_listing& what) {
  std::string out;
  for (const dead_letter_line& shown : what.dead_letters) out += shown.letter.bytes + "\n";
  return out;
}

}  // namespace windrow::tools
