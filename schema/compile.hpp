#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/catalog/catalog.hpp"
#include "schema/expression/expression.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::schema {

/// One thing that is wrong with a declaration file, or (a note) worth saying about it.
struct diagnostic {
  enum class level : std::uint8_t { error, note } severity = level::error;
  std::string file;
  source_position at;
  std::string message;   ///< what is wrong and what to write instead

  /// `features.yaml:12:7: error: ...`
  std::string format() const;
};

struct compiled {
  /// Both are set exactly when there is no error among the diagnostics.
  std::optional<catalog> declarations;
  plan_ptr plan;
  /// All of them, in file order, not only the first.
  std::vector<diagnostic> diagnostics;
  /// Outputs that no record keeps, with the reason: `Transaction.id`: `not stored, because ...`.
  struct not_stored {
    std::string stream;
    std::string feature;
    std::string reason;
  };
  std::vector<not_stored> idle_outputs;
  bool ok() const noexcept { return plan != nullptr; }
};

/// Looks an environment variable up for `${NAME}`; nothing where it is not set.
using environment = std::function<std::optional<std::string>(std::string_view)>;

/// Compiles declarations. `file_name` is used in diagnostics and to resolve relative paths.
compiled compile_yaml(std::string_view text, const std::string& file_name,
                      const environment& variables);

/// Compiles a catalog that has been declared before (read back from a folder).
result<plan_ptr> compile_catalog(const catalog& declarations);

/// Cap'n Proto bytes of `schema/catalog/catalog.capnp`, canonical: equal catalogs give equal bytes.
std::vector<std::uint8_t> encode_catalog(const catalog& declarations);
/// `corrupt` where the bytes are not a catalog. Never throws.
result<catalog> decode_catalog(std::span<const std::uint8_t> bytes);

}  // namespace windrow::schema
