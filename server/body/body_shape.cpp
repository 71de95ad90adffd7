#include "server/body/body_shape.hpp"

namespace windrow::server {

constinit const body_shape value_shape{
    "Value",
    R"({"description": "Of any type that a feature may have, or null",
  "type": ["null", "boolean", "number", "string", "array", "object"],
  "additionalProperties": true})"};

constinit const body_shape count_shape{"Count",
                                       R"({"type": "integer", "format": "int64", "minimum": 0})"};

constinit const body_shape time_shape{"Time", R"({"type": "string", "format": "date-time"})"};

namespace {
constexpr const body_shape* counted[] = {&count_shape};
}
constinit const body_shape positions_shape{
    "Positions", R"({"type": "object", "additionalProperties": {"$ref": "Count"}})", counted};

constinit const body_shape time_given_shape{
    "TimeGiven",
    R"({"description": "RFC 3339, or milliseconds since 1970 in digits", "anyOf": [
  {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"},
  {"type": "string", "pattern": "^-?[0-9]{1,13}$"}]})"};

constinit const body_shape document_shape{"Document", R"({"type": "object",
  "additionalProperties": true})"};

constinit const body_shape health_shape{
    "Health",
    R"({"type": "object", "required": ["status"], "properties": {"status": {"enum": ["ok"]}}})"};

constinit const body_shape checkpoint_shape{"Checkpoint",
                                            R"({"type": "object", "required": ["checkpoint"],
  "properties": {"checkpoint": {"enum": ["done"]}}})"};

}  // namespace windrow::server
