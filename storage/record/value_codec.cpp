#include "storage/record/value_codec.hpp"

#include <algorithm>
#include <utility>

namespace windrow::storage {

void put_value(std::string& out, const value& v) {
  struct visitor {
    std::string& out;
    void kind(char k) { out.push_back(k); }
    void operator()(null) { kind(0); }
    void operator()(bool b) { kind(b ? 2 : 1); }
    void operator()(std::int64_t i) { kind(3), put_zigzag(out, i); }
    void operator()(double d) { kind(4), put_raw(out, d); }
    void operator()(const std::string& s) { kind(5), put_text(out, s); }
    void operator()(timestamp t) { kind(6), put_zigzag(out, t.micros); }
    void operator()(const value_list& l) {
      kind(7), put_varint(out, l.size());
      for (const value& item : l) put_value(out, item);
    }
    void operator()(const value_map& m) { kind(8), named(m.entries); }
    void operator()(const value_struct& s) { kind(9), named(s.fields); }
    void operator()(const byte_string& b) { kind(10), put_text(out, b.data); }
    void named(const named_values& values) {
      put_varint(out, values.size());
      for (const auto& [name, v] : values) {
        put_text(out, name);
        put_value(out, v);
      }
    }
  };
  std::visit(visitor{out}, static_cast<const value::variant&>(v));
}

namespace {

/// How many values follow, each of at least one byte; fails the reader where they nest too deep.
std::uint64_t read_count(varint_reader& in, int depth) {
  const auto count = in.varint<std::uint64_t>();
  if (depth >= 16 || count > in.rest().size()) in.fail();
  return in.ok() ? count : 0;
}

named_values read_named(varint_reader& in, int depth) {
  named_values values;
  for (auto n = read_count(in, depth); n > 0 && in.ok(); --n) {
    std::string name(in.text());
    values.emplace_back(std::move(name), read_value(in, depth + 1));
  }
  return values;
}

bool ascending(const named_values& values) {
  return std::adjacent_find(values.begin(), values.end(), [](const auto& a, const auto& b) {
           return a.first >= b.first;
         }) == values.end();
}

}  // namespace

value read_value(varint_reader& in, int depth) {
  switch (in.raw<std::uint8_t>()) {
    case 0:
      return value{null{}};
    case 1:
      return value{false};
    case 2:
      return value{true};
    case 3:
      return value{in.zigzag()};
    case 4:
      return value{in.raw<double>()};
    case 5:
      return value{std::string(in.text())};
    case 6:
      return value{timestamp{in.zigzag()}};
    case 7: {
      value_list items;
      for (auto n = read_count(in, depth); n > 0 && in.ok(); --n)
        items.push_back(read_value(in, depth + 1));
      return value{std::move(items)};
    }
    case 8: {
      value_map map{read_named(in, depth)};
      if (!ascending(map.entries)) break;
      return value{std::move(map)};
    }
    case 9:
      return value{value_struct{read_named(in, depth)}};
    case 10:
      return value{byte_string{std::string(in.text())}};
    default:
      break;
  }
  in.fail();
  return value{null{}};
}

}  // namespace windrow::storage
