#include "schema/expression/column.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::schema {

std::string to_string(const value_type& type) {
  std::string out;
  switch (type.kind) {
    case value_kind::boolean:
      out = "bool";
      break;
    case value_kind::integer:
      out = "int";
      break;
    case value_kind::floating:
      out = "float";
      break;
    case value_kind::text:
      out = "str";
      break;
    case value_kind::datetime:
      out = "datetime";
      break;
    case value_kind::list:
      out = "list[" + (type.element ? to_string(*type.element) : std::string("?")) + "]";
      break;
    case value_kind::map:
      out = "map[str, " + (type.element ? to_string(*type.element) : std::string("?")) + "]";
      break;
    case value_kind::structure:
      for (const struct_field& f : type.fields ? *type.fields : std::vector<struct_field>{})
        out += (out.empty() ? "struct{" : ", ") + f.name + ": " + to_string(f.type);
      out += "}";
      break;
    case value_kind::bytes:
      out = "bytes";
      break;
  }
  return type.nullable ? out + " | null" : out;
}

}  // namespace windrow::schema
