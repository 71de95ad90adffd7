// Bodies of pushes as text. Where a body is JSON, simdjson says what its messages are.
#include <simdjson.h>

#include <string>
#include <vector>

#include "formats/body_framing.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace {

using namespace windrow::formats;
using windrow::fuzz::require;

constexpr std::size_t most = 1'000;

void check_views(std::string_view body, const split_messages& split) {
  require(split.messages.size() <= most, "there are no more messages than allowed");
  const char* end = body.data();
  for (const std::string_view m : split.messages) {
    require(!m.empty(), "a message is not empty");
    require(m.data() >= end && m.data() + m.size() <= body.data() + body.size(),
            "messages lie in the body, one behind the other");
    end = m.data() + m.size();
  }
}

/// The elements as simdjson writes them; nothing if the body is no JSON.
std::optional<std::vector<std::string>> elements_of(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(simdjson::padded_string(body)).get(root)) return std::nullopt;
  std::vector<std::string> out;
  if (root.is<simdjson::dom::object>()) out.push_back(simdjson::minify(root));
  if (root.is<simdjson::dom::array>()) {
    for (const auto element : simdjson::dom::array(root)) {
      out.push_back(simdjson::minify(element));
    }
  } else if (!root.is<simdjson::dom::object>()) {
    return std::nullopt;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = windrow::fuzz::text_of(data, size);
  const split_messages lines = split_lines(body, most);
  check_views(body, lines);
  for (const std::string_view m : lines.messages) {
    require(m.find('\n') == std::string_view::npos, "a line has no end of line");
  }
  const auto split = split_array(body, most);
  if (split) check_views(body, *split);
  const auto elements = elements_of(body);
  if (!elements || elements->size() > most) return 0;
  require(split.ok(), "what is JSON is split");
  require(split->messages.size() == elements->size(), "it has as many messages as elements");
  for (std::size_t i = 0; i < elements->size(); ++i) {
    simdjson::dom::parser parser;
    simdjson::dom::element message;
    require(!parser.parse(simdjson::padded_string(split->messages[i])).get(message),
            "each message is JSON");
    require(simdjson::minify(message) == (*elements)[i], "each message is its element");
  }
  return 0;
}
