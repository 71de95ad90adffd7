// The description of a data folder (Cap'n Proto): refused, or decoded to what is encoded again.
#include "storage/folder/meta_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::storage;
  using windrow::fuzz::require;
  const auto decoded = decode_meta({data, size});
  if (!decoded) return 0;
  const auto again = decode_meta(encode_meta(*decoded));
  require(again.ok() && *again == *decoded, "what is decoded is encoded and decoded to the same");
  return 0;
}
