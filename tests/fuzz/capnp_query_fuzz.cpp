// Bodies of queries in Cap'n Proto: refused, or read to what the JSON of a query says too.
#include "server/body/body_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow;
  using fuzz::require;
  constexpr std::size_t most = 1'000;
  const auto read = server::decode_query(fuzz::text_of(data, size), most);
  if (!read) {
    require(read.error().code == errc::invalid, "what is refused is invalid");
    return 0;
  }
  require(read->entities.size() <= most + 1, "there are no more entities than allowed");
  const auto json = server::read_query(server::query_request_json(*read));
  require(json.ok(), "what it asks can be asked in JSON");
  require(json->features == read->features && json->now == read->now,
          "in JSON it is the same question");
  return 0;
}
