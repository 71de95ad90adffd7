#include "server/body/dead_letters_json.hpp"

#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"

namespace windrow::server {
namespace {

using node::dead_letter_line;
using node::dead_letter_listing;
using node::dead_letter_tally;
using simdjson::dom::element;

constexpr std::size_t beginning_bytes = 200;

void write_dead_letter(json_writer& out, const dead_letter_line& shown, bool whole) {
  const storage::dead_letter& l = shown.letter;
  out.begin_object().key("source").string(shown.source).key("stream").string(l.stream);
  out.key("partition").string(shown.partition).key("at").unsigned_integer(l.at).key("line");
  shown.line ? out.unsigned_integer(*shown.line) : out.null();
  if (shown.push) out.key("push").unsigned_integer(*shown.push);
  if (shown.push) out.key("place").unsigned_integer(shown.place);
  out.key("phase").string(l.phase).key("reason").string(l.reason);
  out.key("message").string(l.message).key("arrival").time({l.arrival});
  out.key("total_bytes").unsigned_integer(l.total_bytes);
  const std::string_view bytes =
      whole ? std::string_view(l.bytes) : std::string_view(l.bytes).substr(0, beginning_bytes);
  out.key("bytes").string(bytes);
  if (!is_utf8(bytes)) out.key("base64").string(base64(bytes));
  out.end_object();
}

dead_letter_line read_dead_letter(element from) {
  dead_letter_line out;
  out.source = text_of(from, "source");
  out.partition = text_of(from, "partition");
  storage::dead_letter& l = out.letter;
  l.stream = text_of(from, "stream");
  l.at = number_of(from, "at");
  l.phase = text_of(from, "phase");
  l.reason = text_of(from, "reason");
  l.message = text_of(from, "message");
  l.arrival = time_of(from["arrival"]).micros;
  l.total_bytes = number_of(from, "total_bytes");
  l.bytes = text_of(from, "bytes");
  for (const auto [name, value] : simdjson::dom::object(from)) {
    if (name == "line" && !value.is_null()) out.line = std::uint64_t(value);
    if (name == "push") out.push = std::uint64_t(value);
    if (name == "place") out.place = std::uint64_t(value);
    if (name == "base64") l.bytes = from_base64(std::string_view(value)).value_or(l.bytes);
  }
  return out;
}

}  // namespace

std::string dead_letters_json(const dead_letter_listing& what, bool whole) {
  json_writer out;
  out.begin_object().key("found").unsigned_integer(what.found).key("counts").begin_array();
  for (const dead_letter_tally& c : what.counts) {
    out.begin_object().key("partition").string(c.partition).key("phase").string(c.phase);
    out.key("reason").string(c.reason).key("messages").unsigned_integer(c.count).end_object();
  }
  out.end_array().key("letters").begin_array();
  for (const dead_letter_line& shown : what.dead_letters) write_dead_letter(out, shown, whole);
  out.end_array().end_object();
  return out.take() + "\n";
}

result<dead_letter_listing> read_dead_letters(std::string_view json) {
  return with_json<dead_letter_listing>(
      json, errc::io, "the answer", [](element root) -> result<dead_letter_listing> {
        dead_letter_listing out;
        out.found = number_of(root, "found");
        for (const element c : simdjson::dom::array(root["counts"])) {
          out.counts.push_back({text_of(c, "partition"), text_of(c, "phase"), text_of(c, "reason"),
                                number_of(c, "messages")});
        }
        for (const element l : simdjson::dom::array(root["letters"])) {
          out.dead_letters.push_back(read_dead_letter(l));
        }
        return out;
      });
}

std::string replay_json(const storage::replay_outcome& done) {
  json_writer out;
  out.begin_object().key("replayed").unsigned_integer(done.replayed);
  out.key("cut").unsigned_integer(done.cut);
  out.key("undeclared").unsigned_integer(done.undeclared).end_object();
  return out.take() + "\n";
}

result<storage::replay_outcome> read_replay(std::string_view json) {
  using outcome = storage::replay_outcome;
  return with_json<outcome>(json, errc::io, "the answer", [](element root) -> result<outcome> {
    return outcome{number_of(root, "replayed"), number_of(root, "cut"),
                   number_of(root, "undeclared")};
  });
}

std::string drop_json(std::uint64_t dropped) {
  json_writer out;
  out.begin_object().key("dropped").unsigned_integer(dropped).end_object();
  return out.take() + "\n";
}

result<std::uint64_t> read_drop(std::string_view json) {
  return with_json<std::uint64_t>(
      json, errc::io, "the answer",
      [](element root) -> result<std::uint64_t> { return number_of(root, "dropped"); });
}

namespace {
constexpr const body_shape* dead_letter_parts[] = {&count_shape, &time_shape};
}

constinit const body_shape dead_letters_shape{"DeadLetters", R"({"type": "object",
  "required": ["found", "counts", "letters"],
  "properties": {"found": {"$ref": "Count"},
    "counts": {"type": "array", "items": {"type": "object",
      "required": ["partition", "phase", "reason", "messages"],
      "properties": {"partition": {"type": "string"}, "phase": {"type": "string"},
        "reason": {"type": "string"}, "messages": {"$ref": "Count"}}}},
    "letters": {"type": "array", "items": {"type": "object",
      "required": ["source", "stream", "partition", "at", "line", "phase", "reason", "message",
        "arrival", "total_bytes", "bytes"],
      "properties": {"source": {"type": "string"}, "stream": {"type": "string"},
        "partition": {"type": "string"}, "at": {"$ref": "Count"},
        "line": {"anyOf": [{"$ref": "Count"}, {"type": "null"}]}, "push": {"$ref": "Count"},
        "place": {"$ref": "Count"}, "phase": {"type": "string"}, "reason": {"type": "string"},
        "message": {"type": "string"}, "arrival": {"$ref": "Time"},
        "total_bytes": {"$ref": "Count"}, "bytes": {"type": "string"},
        "base64": {"type": "string", "description": "of bytes that are not UTF-8"}}}}}})",
                                              dead_letter_parts};

constinit const body_shape replayed_shape{"Replayed", R"({"type": "object",
  "required": ["replayed", "cut", "undeclared"],
  "properties": {"replayed": {"$ref": "Count"}, "cut": {"$ref": "Count"},
    "undeclared": {"$ref": "Count"}}})",
                                          dead_letter_parts};

constinit const body_shape dropped_shape{"Dropped", R"({"type": "object",
  "required": ["dropped"], "properties": {"dropped": {"$ref": "Count"}}})",
                                         dead_letter_parts};

}  // namespace windrow::server
