#pragma once

#include <span>
#include <string_view>

namespace windrow::server {

/// The shape of a JSON body, as the API's description states it. Each stands beside the function
/// that writes or reads the body, and a route of the table names it; tests hold every answer
/// against it.
struct body_shape {
  /// In the description, under `components.schemas`.
  std::string_view name;
  /// A JSON schema (2020-12, as in OpenAPI 3.1), as text. Another shape is meant by its name alone:
  /// `{"$ref": "Count"}`. What is not `required` is not always there; members may be added.
  std::string_view schema;
  /// The shapes that it names, each once.
  std::span<const body_shape* const> refers_to = {};
};

/// `Value`: of any type that a feature may have, or null.
extern const body_shape value_shape;
/// `Count`: a whole number from 0.
extern const body_shape count_shape;
/// `Time`: RFC 3339.
extern const body_shape time_shape;
/// `Positions`: by name, how far something is.
extern const body_shape positions_shape;
/// `TimeGiven`: a time as requests may say it.
extern const body_shape time_given_shape;

/// `Document`: an object, described elsewhere.
extern const body_shape document_shape;
/// `Health`: `{"status": "ok"}`.
extern const body_shape health_shape;
/// `Checkpoint`: `{"checkpoint": "done"}`.
extern const body_shape checkpoint_shape;

}  // namespace windrow::server
