// Bodies of queries in JSON: refused, or read to what is written and read to the same.
#include "server/body/query_json.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow;
  using fuzz::require;
  const auto read = server::read_query(fuzz::text_of(data, size));
  if (!read) return 0;
  const query_request& first = *read;
  const auto again = server::read_query(server::query_request_json(first));
  require(again.ok(), "a query that was written is read");
  const query_request& second = *again;
  require(first.features == second.features && first.entities.size() == second.entities.size(),
          "it asks the same of as many");
  for (std::size_t i = 0; i < first.entities.size(); ++i) {
    require(first.entities[i].entity_class == second.entities[i].entity_class &&
                first.entities[i].key == second.entities[i].key &&
                first.entities[i].now == second.entities[i].now,
            "it asks of the same entities at the same times");
  }
  require(first.now == second.now, "it asks at the same time");
  return 0;
}
