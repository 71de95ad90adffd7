// Declarations in YAML: whatever is written, the answer is a plan or errors. What compiles is kept
// as catalog bytes, and compiles from them to the same plan.
#include "schema/catalog/catalog_codec.hpp"
#include "schema/compile.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::schema;
  using windrow::fuzz::require;
  const compiled made = compile_yaml(
      windrow::fuzz::text_of(data, size), "/somewhere/features.yaml", [](std::string_view name) {
        return name == "FOLDER" ? std::optional<std::string>("/data") : std::nullopt;
      });
  bool errors = false;
  for (const diagnostic& d : made.diagnostics) {
    errors = errors || d.severity == diagnostic::level::error;
    require(!d.format().empty(), "a diagnostic says something");
  }
  require(made.ok() == !errors, "there is a plan exactly where there is no error");
  if (!made.ok()) return 0;
  const auto bytes = encode_catalog(*made.declarations);
  const auto decoded = decode_catalog(bytes);
  require(decoded.ok(), "a catalog that was encoded is decoded");
  require(encode_catalog(*decoded) == bytes, "a decoded catalog is encoded to the same bytes");
  const auto plan = compile_catalog(*decoded);
  require(plan.ok(), "declarations that compiled compile again from their catalog");
  require((*plan)->digest == made.plan->digest, "they compile to the same plan");
  return 0;
}
