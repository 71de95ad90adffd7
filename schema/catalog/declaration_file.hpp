#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "schema/catalog/catalog.hpp"
#include "schema/catalog/diagnostic.hpp"
#include "schema/expression/expression.hpp"

namespace windrow::schema {

/// Looks an environment variable up for `${NAME}`; nothing if it is not set.
using environment = std::function<std::optional<std::string>(std::string_view)>;

/// Collects what is wrong with one file; nothing stops at the first.
class diagnostics {
public:
  explicit diagnostics(std::string file) : file_(std::move(file)) {}

  void error(source_position at, std::string message);
  void note(source_position at, std::string message);
  bool has_errors() const noexcept { return errors_ > 0; }
  std::size_t error_count() const noexcept { return errors_; }

  /// In file order, each once.
  std::vector<diagnostic> sorted() const;

private:
  void add(diagnostic::level severity, source_position at, std::string message);

  std::string file_;
  std::vector<diagnostic> all_;
  std::size_t errors_ = 0;
};

/// A path of names to one declared thing, joined by '/': `features/User/name/type`.
using declared_path = std::string;

/// A catalog together with what only its file knows: where things stand and the parsed
/// expressions with their positions. One read back from bytes has neither, and compiles the same.
struct declaration_file {
  catalog declarations;
  std::map<declared_path, source_position, std::less<>> positions;
  std::map<declared_path, expression_ptr, std::less<>> expressions;
  /// What was declared but could not be read. Uses of it are not errors of their own.
  std::set<declared_path, std::less<>> broken;

  /// Where `path` stands, or else the nearest thing around it.
  source_position at(std::string_view path) const;
  bool is_broken(std::string_view path) const { return broken.count(path) > 0; }
};

}  // namespace windrow::schema
