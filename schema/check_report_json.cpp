#include <cstdio>
#include <string_view>

#include "schema/check_report.hpp"

namespace windrow::schema {
namespace {

std::string text(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char code[8];
          std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
          out += code;
        } else {
          out.push_back(c);
        }
    }
  }
  return out + "\"";
}

std::string hexadecimal(std::uint64_t id) {
  char digits[20];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(id));
  return text(digits);
}

/// Microseconds as seconds, with as many decimals as there are.
std::string seconds(std::int64_t micros) {
  const bool negative = micros < 0;
  const std::uint64_t size =
      negative ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  std::string out = (negative ? "-" : "") + std::to_string(size / 1'000'000);
  if (size % 1'000'000 == 0) return out;
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, "%06u", static_cast<unsigned>(size % 1'000'000));
  out += std::string(".") + fraction;
  while (out.back() == '0') out.pop_back();
  return out;
}

template <class T, class Print>
std::string array(const std::vector<T>& items, Print print) {
  std::string out = "[";
  for (const T& item : items) {
    if (out.size() > 1) out += ", ";
    out += print(item);
  }
  return out + "]";
}

std::string texts(const std::vector<std::string>& items) {
  return array(items, [](const std::string& item) { return text(item); });
}

std::string diagnostic_json(const diagnostic& d) {
  return "{\"severity\": " + text(d.severity == diagnostic::level::error ? "error" : "note") +
         ", \"file\": " + text(d.file) + ", \"line\": " + std::to_string(d.at.line) +
         ", \"column\": " + std::to_string(d.at.column) + ", \"message\": " + text(d.message) + "}";
}

std::string rule_json(const check_report::rule_line& r) {
  return "{\"aggregation\": " + text(r.aggregation) + ", \"bucket\": " + seconds(r.bucket) +
         ", \"origin\": " + seconds(r.origin) + ", \"retention\": " + seconds(r.retention) +
         ", \"windows\": " + texts(r.windows) + "}";
}

std::string series_json(const check_report::series_line& s) {
  return "{\"id\": " + hexadecimal(s.id) + ", \"series\": " + text(s.text) +
         ", \"rules\": " + array(s.rules, rule_json) + "}";
}

std::string stored_json(const check_report::stored_line& s) {
  return "{\"feature\": " + text(s.feature) + ", \"type\": " + text(s.type) +
         ", \"max_staleness\": " + seconds(s.max_staleness) + ", \"streams\": " + texts(s.streams) +
         "}";
}

std::string not_stored_json(const idle_output& n) {
  return "{\"stream\": " + text(n.stream) + ", \"feature\": " + text(n.feature) +
         ", \"reason\": " + text(n.reason) + "}";
}

std::string inference_json(const check_report::inference_line& i) {
  return "{\"stream\": " + text(i.stream) + ", \"series\": " + text(i.series) +
         ", \"updates\": " + (i.updates ? "true" : "false") + ", \"reason\": " + text(i.reason) +
         "}";
}

std::string deduplication_json(const check_report::deduplication_line& d) {
  return "{\"stream\": " + text(d.stream) + ", \"on\": " + text(d.on) +
         ", \"within\": " + seconds(d.within) + "}";
}

}  // namespace

std::string to_json(const check_report& report) {
  std::string out = "{\"file\": " + text(report.file) +
                    ", \"ok\": " + (report.ok ? "true" : "false") +
                    ", \"diagnostics\": " + array(report.diagnostics, diagnostic_json);
  if (report.ok) {
    out += ", \"digest\": " + hexadecimal(report.digest) +
           ", \"series\": " + array(report.all_series, series_json) +
           ", \"stored\": " + array(report.stored, stored_json) +
           ", \"not_stored\": " + array(report.not_stored, not_stored_json) +
           ", \"inferences\": " + array(report.inferences, inference_json) +
           ", \"deduplications\": " + array(report.deduplications, deduplication_json);
  }
  return out + "}";
}

}  // namespace windrow::schema
