// Bodies of pushes in Cap'n Proto: refused, or messages that are JSON objects as far as what they
// hold can be said in JSON.
#include <simdjson.h>

#include <string>

#include "base/utf8.hpp"
#include "server/body/body_codec.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow;
  using fuzz::require;
  constexpr std::size_t most = 1'000;
  const auto pushed = server::decode_push(fuzz::text_of(data, size), most);
  if (!pushed) {
    require(pushed.error().code == errc::invalid, "what is refused is invalid");
    return 0;
  }
  require(pushed->ends.size() <= most, "there are no more messages than allowed");
  require(!pushed->too_many || pushed->ends.empty(), "too many are none");
  for (const std::string_view m : server::cut(pushed->text, pushed->ends)) {
    require(m.starts_with('{') && m.ends_with('}'), "a message is an object");
    require(m.find('\n') == std::string_view::npos, "a message is a line");
    if (!is_utf8(m)) continue;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    const auto wrong = parser.parse(simdjson::padded_string(m)).get(root);
    const bool unsayable =
        m.find("NaN") != std::string_view::npos || m.find("1e999") != std::string_view::npos;
    require(!wrong || unsayable, "a message is JSON");
  }
  return 0;
}
