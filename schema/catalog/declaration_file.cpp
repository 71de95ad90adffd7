#include "schema/catalog/declaration_file.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace windrow::schema {

std::string diagnostic::format() const {
  std::string out = file;
  if (at.line > 0) out += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  out += severity == level::error ? ": error: " : ": note: ";
  return out + message;
}

void diagnostics::add(diagnostic::level severity, source_position at, std::string message) {
  all_.push_back({severity, file_, at, std::move(message)});
}

void diagnostics::error(source_position at, std::string message) {
  ++errors_;
  add(diagnostic::level::error, at, std::move(message));
}

void diagnostics::note(source_position at, std::string message) {
  add(diagnostic::level::note, at, std::move(message));
}

std::vector<diagnostic> diagnostics::sorted() const {
  std::vector<diagnostic> out;
  std::set<std::tuple<int, int, std::string_view>> seen;
  for (const diagnostic& d : all_) {
    if (seen.emplace(d.at.line, d.at.column, d.message).second) out.push_back(d);
  }
  std::stable_sort(out.begin(), out.end(), [](const diagnostic& a, const diagnostic& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  return out;
}

source_position declaration_file::at(std::string_view path) const {
  while (true) {
    if (const auto found = positions.find(path); found != positions.end()) return found->second;
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return {};
    path = path.substr(0, slash);
  }
}

}  // namespace windrow::schema
