#include "server/body/push_json.hpp"

#include "server/body/json_writer.hpp"

namespace windrow::server {

std::string push_json(const push_answer& what) {
  json_writer out;
  out.begin_object().key("stream").string(what.stream);
  out.key("messages").unsigned_integer(what.messages);
  out.key("position").begin_object();
  if (what.receipt.sequence != 0) out.key("journal").unsigned_integer(what.receipt.sequence);
  out.end_object();
  out.key("duplicate").boolean(what.receipt.duplicate).key("applied").boolean(what.applied);
  out.key("errors").begin_array();
  for (const push_error& e : what.errors) {
    out.begin_object().key("message").unsigned_integer(e.message);
    out.key("phase").string(e.phase).key("reason").string(e.reason);
    out.key("detail").string(e.detail).end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

namespace {
constexpr const body_shape* push_parts[] = {&count_shape, &positions_shape};
}

constinit const body_shape messages_shape{
    "Messages",
    R"({"description": "Messages of the stream, or one", "type": ["array", "object"]})"};

constinit const body_shape push_answer_shape{"PushAnswer", R"({"type": "object",
  "required": ["stream", "messages", "position", "duplicate", "applied", "errors"],
  "properties": {"stream": {"type": "string"}, "messages": {"$ref": "Count"},
    "position": {"$ref": "Positions"}, "duplicate": {"type": "boolean"},
    "applied": {"type": "boolean"}, "errors": {"type": "array", "items": {"type": "object",
      "required": ["message", "phase", "reason", "detail"],
      "properties": {"message": {"$ref": "Count"}, "phase": {"type": "string"},
        "reason": {"type": "string"}, "detail": {"type": "string"}}}}}})",
                                             push_parts};

}  // namespace windrow::server
