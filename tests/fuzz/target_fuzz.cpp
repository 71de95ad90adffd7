// Addresses of requests: refused, or cut and decoded to parts that mean the same when they are
// encoded again.
#include <string>

#include "server/api/target.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::server;
  using windrow::fuzz::require;
  const auto read = read_target(windrow::fuzz::text_of(data, size));
  if (!read) return 0;
  std::string text;
  for (const std::string& segment : read->segments) text += "/" + percent_encoded(segment);
  char before = '?';
  for (const auto& [name, value] : read->query) {
    text += before + percent_encoded(name) + "=" + percent_encoded(value);
    before = '&';
  }
  const auto again = read_target(text);
  require(again.ok(), "an address that was encoded is read");
  require(again->segments == read->segments, "its path has the same parts");
  require(again->query == read->query, "its query has the same names and values");
  return 0;
}
