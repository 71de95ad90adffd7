#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/catalog/catalog.hpp"
#include "schema/catalog/declaration_file.hpp"
#include "schema/catalog/diagnostic.hpp"
#include "schema/plan/planner.hpp"

namespace windrow::schema {

struct compiled {
  /// Both are set exactly when there is no error among the diagnostics.
  std::optional<catalog> declarations;
  plan_ptr plan;
  /// All of them, in file order, not only the first.
  std::vector<diagnostic> diagnostics;
  std::vector<idle_output> idle_outputs;
  bool ok() const noexcept { return plan != nullptr; }
};

/// Compiles declarations. `file_name` is used in diagnostics and to resolve relative paths.
compiled compile_yaml(std::string_view text, const std::string& file_name,
                      const environment& variables);

/// Compiles a catalog that has been declared before (read back from a folder).
result<plan_ptr> compile_catalog(const catalog& declarations);

}  // namespace windrow::schema
