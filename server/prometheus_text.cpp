#include "server/prometheus_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace windrow::server {
namespace {

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    out.append(buffer.data(), end.ptr);
  }
}

void append_label_value(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '"': out += "\\\""; break;
      case '\n': out += "\\n"; break;
      default: out += c;
    }
  }
}

}  // namespace

void prometheus_text::family(std::string_view name, std::string_view type,
                             std::string_view help) {
  name_ = std::string(name);
  out_.append("# HELP ").append(name).append(" ").append(help);
  out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void prometheus_text::sample(double value, std::initializer_list<label> labels,
                             std::string_view suffix) {
  out_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [name, text] : labels) {
    out_ += separator;
    out_.append(name).append("=\"");
    append_label_value(out_, text);
    out_ += '"';
    separator = ',';
  }
  if (labels.size() > 0) out_ += '}';
  out_ += ' ';
  append_number(out_, value);
  out_ += '\n';
}

}  // namespace windrow::server
