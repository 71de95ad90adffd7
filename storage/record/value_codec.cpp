#include "storage/record/value_codec.hpp"

namespace windrow::storage {

void put_value(std::string& out, const value& v) {
  struct visitor {
    std::string& out;
    void kind(char k) { out.push_back(k); }
    void operator()(null) { kind(0); }
    void operator()(bool b) { kind(b ? 2 : 1); }
    void operator()(std::int64_t i) { kind(3), put_zigzag(out, i); }
    void operator()(double d) { kind(4), put_raw(out, d); }
    void operator()(const std::string& s) { kind(5), put_varint(out, s.size()), out.append(s); }
    void operator()(timestamp t) { kind(6), put_zigzag(out, t.micros); }
    void operator()(const value_list& l) {
      kind(7), put_varint(out, l.size());
      for (const value& item : l) put_value(out, item);
    }
  };
  std::visit(visitor{out}, static_cast<const value::variant&>(v));
}

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
    case 5: {
      const auto bytes = in.bytes(in.varint<std::uint64_t>());
      return value{std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
    }
    case 6:
      return value{timestamp{in.zigzag()}};
    case 7: {
      const auto count = in.varint<std::uint64_t>();
      if (depth < 16 && count <= in.rest().size()) {
        value_list items;
        for (std::uint64_t i = 0; i < count && in.ok(); ++i)
          items.push_back(read_value(in, depth + 1));
        return value{std::move(items)};
      }
      break;
    }
    default:
      break;
  }
  in.fail();
  return value{null{}};
}

}  // namespace windrow::storage
