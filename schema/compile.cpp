#include "schema/compile.hpp"

#include <exception>
#include <utility>

#include "schema/catalog/declaration_file.hpp"
#include "schema/plan/planner.hpp"
#include "schema/yaml/reader.hpp"

namespace windrow::schema {

compiled compile_yaml(std::string_view text, const std::string& file_name,
                      const environment& variables) {
  diagnostics out(file_name);
  declaration_file file = read_yaml(text, file_name, variables, out);
  planned made = make_plan(file, out);
  compiled answer;
  answer.diagnostics = out.sorted();
  if (out.has_errors()) return answer;
  answer.declarations = std::move(file.declarations);
  answer.plan = std::move(made.result);
  answer.idle_outputs = std::move(made.idle_outputs);
  return answer;
}

result<plan_ptr> compile_catalog(const catalog& declarations) {
  diagnostics out("catalog");
  declaration_file file;
  file.declarations = declarations;
  planned made = make_plan(file, out);
  if (!out.has_errors()) return plan_ptr(std::move(made.result));
  std::string message = "the catalog does not compile";
  for (const diagnostic& d : out.sorted()) {
    if (d.severity == diagnostic::level::error) message += "; " + d.message;
  }
  return failure{errc::invalid, std::move(message)};
}

}  // namespace windrow::schema
