#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "schema/expression/column.hpp"
#include "windrow/value.hpp"

/// Random types and values of them, for tests of what must give back what it was given.
namespace windrow::testing {

class random_values {
public:
  explicit random_values(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t n) { return engine_() % n; }

  /// Any type that can be declared, nested at most `depth` deep.
  schema::value_type type(int depth = 3) {
    using schema::value_kind;
    static constexpr value_kind plain[] = {value_kind::boolean,  value_kind::integer,
                                           value_kind::floating, value_kind::text,
                                           value_kind::datetime, value_kind::bytes};
    schema::value_type out;
    out.nullable = below(3) == 0;
    const std::uint64_t what = depth > 0 ? below(9) : below(6);
    if (what < 6) {
      out.kind = plain[what];
    } else if (what < 8) {
      out.kind = what == 6 ? value_kind::list : value_kind::map;
      auto element = type(depth - 1);
      while (what == 6 && element.kind == value_kind::list) element = type(depth - 1);
      out.element = std::make_shared<const schema::value_type>(std::move(element));
    } else {
      out.kind = value_kind::structure;
      std::vector<schema::struct_field> fields;
      for (std::uint64_t n = 1 + below(4); n > 0; --n)
        fields.push_back({"f" + std::to_string(n), type(depth - 1)});
      out.fields = std::make_shared<const std::vector<schema::struct_field>>(std::move(fields));
    }
    return out;
  }

  value of(const schema::value_type& type) {
    using schema::value_kind;
    if (type.nullable && below(4) == 0) return null{};
    switch (type.kind) {
      case value_kind::boolean:
        return below(2) == 1;
      case value_kind::integer:
        return static_cast<std::int64_t>(engine_() >> below(64));
      case value_kind::floating:
        return (static_cast<double>(engine_()) - 0x1p63) / static_cast<double>(1 + below(1000));
      case value_kind::text:
        return text();
      case value_kind::datetime:
        return timestamp{static_cast<std::int64_t>(below(4'000'000'000'000'000))};
      case value_kind::list: {
        value_list list;
        for (std::uint64_t n = below(4); n > 0; --n) list.push_back(of(*type.element));
        return list;
      }
      case value_kind::map: {
        named_values entries;
        for (std::uint64_t n = below(4); n > 0; --n)
          entries.emplace_back(text(), of(*type.element));
        return make_map(std::move(entries));
      }
      case value_kind::structure: {
        value_struct out;
        for (const auto& f : *type.fields) out.fields.emplace_back(f.name, of(f.type));
        return out;
      }
      case value_kind::bytes: {
        std::string data;
        for (std::uint64_t n = below(20); n > 0; --n) data += static_cast<char>(below(256));
        return byte_string{std::move(data)};
      }
    }
    return null{};
  }

private:
  std::string text() {
    static constexpr const char* pieces[] = {"a", "Z", "\"", "\\", "\n", "\xC3\xA4", "\x7f", " "};
    std::string out;
    for (std::uint64_t n = below(8); n > 0; --n) out += pieces[below(8)];
    return out;
  }

  std::mt19937_64 engine_;
};

}  // namespace windrow::testing
