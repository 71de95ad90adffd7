// Catalogs as Cap'n Proto bytes, behind a head that is right: whatever the words are, they are
// refused or decoded; what is decoded is encoded and decoded to the same, and compiled or refused.
#include <xxhash.h>

#include <cstring>
#include <vector>

#include "schema/catalog/catalog_codec.hpp"
#include "schema/compile.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::schema;
  using windrow::fuzz::require;
  std::vector<std::uint8_t> bytes(16 + size);
  const std::uint64_t sum = XXH3_64bits(data, size);
  std::memcpy(bytes.data(), "wndrcat1", 8);
  std::memcpy(bytes.data() + 8, &sum, 8);
  if (size > 0) std::memcpy(bytes.data() + 16, data, size);
  const auto decoded = decode_catalog(bytes);
  if (!decoded) return 0;
  const auto encoded = encode_catalog(*decoded);
  const auto again = decode_catalog(encoded);
  require(again.ok(), "a catalog that was encoded is decoded");
  require(encode_catalog(*again) == encoded, "a decoded catalog is encoded to the same bytes");
  (void)compile_catalog(*decoded);
  return 0;
}
