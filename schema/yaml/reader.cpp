#include "schema/yaml/reader.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "base/suggest.hpp"
#include "base/utf8.hpp"
#include "schema/expression/type_text.hpp"
#include "schema/yaml/context.hpp"

namespace windrow::schema {
namespace {

/// Declarations are written by hand; what is larger is not a declaration file.
constexpr std::size_t file_bytes_max = 16u << 20;

source_position position_at(std::string_view text, std::size_t offset) {
  source_position at{1, 1};
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n')
      ++at.line, at.column = 1;
    else
      ++at.column;
  }
  return at;
}

void read_document(const YAML::Node& root, yaml_context& context) {
  if (!root.IsDefined() || root.IsNull()) {
    context.out.error({1, 1},
                      "the file declares nothing; write `features:`, `sources:`, `streams:`");
    return;
  }
  const auto entries = entries_of(root, {1, 1}, "the file", context.out);
  if (!entries) return;
  refuse_unknown_keys(*entries, {"features", "sources", "streams"}, "the file", context.out);
  const yaml_entry* features = find_entry(*entries, "features");
  if (features == nullptr) {
    context.out.error({1, 1}, "the file has no `features:`; declare the classes there");
  } else {
    read_classes(*features, context);
    link_foreign_keys(context);
    link_relations(context);
  }
  if (const yaml_entry* sources = find_entry(*entries, "sources")) read_sources(*sources, context);
  if (const yaml_entry* streams = find_entry(*entries, "streams")) read_streams(*streams, context);
}

}  // namespace

std::optional<std::string> read_expression(const yaml_entry& entry, const declared_path& path,
                                           yaml_context& context) {
  const auto text =
      read_text(entry.value, entry.at, "an expression such as `_.amount`", context.out);
  if (!text) return std::nullopt;
  const source_position at = text_position(entry.value, entry.at);
  context.place(path, at);
  expression_result<expression_ptr> parsed = parse_expression(*text, at);
  if (!parsed) {
    context.out.error(parsed.error->at, parsed.error->message);
    return std::nullopt;
  }
  context.file.expressions[path] = parsed.value;
  return canonical(*parsed.value);
}

bool check_name(const yaml_entry& entry, const std::string& what, yaml_context& context) {
  if (is_identifier(entry.key)) return true;
  context.out.error(entry.key_at,
                    ticked(entry.key) + " cannot be the name of " + what +
                        "; write letters, digits and `_`, not beginning with a digit");
  return false;
}

declaration_file read_yaml(std::string_view text, const std::string& file_name,
                           const environment& variables, diagnostics& out) {
  declaration_file file;
  yaml_context context{file_name, variables, file, out};
  if (text.size() > file_bytes_max) {
    out.error({1, 1}, "the file is larger than 16 MiB; split it");
    return file;
  }
  if (const std::size_t bad = find_bad_utf8(text); bad != std::string_view::npos) {
    out.error(position_at(text, bad), "the file is not valid UTF-8 here; save it as UTF-8");
    return file;
  }
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.size() > 1) {
      out.error({1, 1}, "the file holds several YAML documents; remove the `---` between them");
      return file;
    }
    read_document(documents.empty() ? YAML::Node() : documents.front(), context);
  } catch (const YAML::Exception& error) {
    out.error({error.mark.line + 1, error.mark.column + 1},
              "not valid YAML: " + error.msg +
                  "; text with any of `[]{},#:` inside braces needs quotes, such as \"-\"");
  } catch (const std::exception& error) {
    out.error({1, 1}, std::string("cannot be read: ") + error.what());
  }
  return file;
}

}  // namespace windrow::schema
