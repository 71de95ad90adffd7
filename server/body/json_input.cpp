#include "server/body/json_input.hpp"

#include "server/body/problem.hpp"
#include "windrow/time.hpp"

namespace windrow::server {

windrow::value value_of(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::BOOL:
      return bool(element);
    case element_type::INT64:
      return std::int64_t(element);
    case element_type::UINT64:
      return static_cast<double>(std::uint64_t(element));
    case element_type::DOUBLE:
      return double(element);
    case element_type::STRING:
      return std::string(std::string_view(element));
    case element_type::ARRAY: {
      value_list list;
      for (const auto item : simdjson::dom::array(element)) list.push_back(value_of(item));
      return list;
    }
    case element_type::OBJECT: {
      value_struct fields;
      for (const auto [name, item] : simdjson::dom::object(element))
        fields.fields.emplace_back(std::string(name), value_of(item));
      return fields;
    }
    default:
      return windrow::null{};
  }
}

std::string text_of(simdjson::dom::element object, const char* name) {
  return std::string(std::string_view(object[name]));
}

std::uint64_t number_of(simdjson::dom::element object, const char* name) {
  return std::uint64_t(object[name]);
}

timestamp time_of(simdjson::dom::element element) {
  const auto time = parse_time(std::string_view(element));
  if (!time) throw simdjson::simdjson_error(simdjson::INCORRECT_TYPE);
  return *time;
}

failure failure_of(simdjson::dom::element object) {
  return {code_named(std::string_view(object["code"])), text_of(object, "message")};
}

}  // namespace windrow::server
