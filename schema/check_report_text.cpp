#include <algorithm>
#include <utility>

#include "schema/check_report.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

/// Rows of cells, each column as wide as its widest cell.
class table {
public:
  explicit table(std::string indent) : indent_(std::move(indent)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  void print_to(std::string& out) const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows_) {
      std::string line = indent_;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line += "  ";
        line += row[i];
        line.append(widths[i] - row[i].size(), ' ');
      }
      while (!line.empty() && line.back() == ' ') line.pop_back();
      out += line + "\n";
    }
  }

private:
  std::string indent_;
  std::vector<std::vector<std::string>> rows_;
};

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string origin_text(std::int64_t micros) {
  return micros == 0 ? "epoch" : "epoch + " + format_duration(micros);
}

void print_series(const check_report& report, std::string& out) {
  out += "Series and the rules that fold them\n";
  if (report.all_series.empty()) out += "  none\n";
  for (const auto& s : report.all_series) {
    out += "  " + s.text + "\n";
    table rules("    ");
    rules.add({"aggregation", "bucket", "origin", "retention", "windows"});
    for (const auto& r : s.rules) {
      rules.add({r.aggregation, format_duration(r.bucket), origin_text(r.origin),
                 format_duration(r.retention), listed(r.windows)});
    }
    rules.print_to(out);
  }
}

void print_stored(const check_report& report, std::string& out) {
  out += "\nStored features\n";
  if (report.stored.empty()) out += "  none\n";
  table stored("  ");
  for (const auto& s : report.stored) {
    const std::string staleness =
        s.max_staleness >= duration_all ? "infinity" : format_duration(s.max_staleness);
    stored.add({s.feature, s.type, "max_staleness " + staleness,
                s.streams.empty() ? "written by no stream" : "from " + listed(s.streams)});
  }
  stored.print_to(out);
  if (report.not_stored.empty()) return;
  out += "\nOutputs that are not stored\n";
  table idle("  ");
  for (const auto& n : report.not_stored) idle.add({n.stream, n.feature, n.reason});
  idle.print_to(out);
}

void print_inferences(const check_report& report, std::string& out) {
  out += "\nWhich stream updates which series\n";
  if (report.inferences.empty()) out += "  none\n";
  table lines("  ");
  for (const auto& i : report.inferences) {
    lines.add({i.stream, i.series, i.updates ? "updates" : i.reason});
  }
  lines.print_to(out);
}

void print_deduplications(const check_report& report, std::string& out) {
  if (report.deduplications.empty()) return;
  out += "\nDuplicates that are not counted again\n";
  table lines("  ");
  for (const auto& d : report.deduplications) {
    lines.add({d.stream, "same " + d.on, "within " + format_duration(d.within)});
  }
  lines.print_to(out);
}

}  // namespace

std::string to_text(const check_report& report) {
  std::string out;
  std::size_t errors = 0;
  for (const diagnostic& d : report.diagnostics) {
    out += d.format() + "\n";
    errors += d.severity == diagnostic::level::error;
  }
  if (!report.ok) {
    return out + report.file + ": " + std::to_string(errors) +
           (errors == 1 ? " error\n" : " errors\n");
  }
  if (!out.empty()) out += "\n";
  print_series(report, out);
  print_stored(report, out);
  print_inferences(report, out);
  print_deduplications(report, out);
  return out + "\n" + report.file + ": ok\n";
}

}  // namespace windrow::schema
