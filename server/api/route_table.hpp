#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/request.hpp"
#include "server/api/target.hpp"
#include "server/body/body_shape.hpp"

/// Every route of the API with who may use it. The one place that says so: dispatch, checks of
/// roles, limits, the OpenAPI document and the tests that walk every route read this table.
namespace windrow::server {

class api;

inline constexpr std::string_view json_answer[] = {"application/json"};

/// What a handler is given.
struct call {
  const request& asked;
  const target& address;
  std::vector<std::string> parameters;        ///< of the path, in its order
  std::string_view answers = json_answer[0];  ///< the media type that is wanted
};

/// Whether a principal that may see certain classes only may use a route at all.
enum class scope : std::uint8_t {
  open,       ///< says nothing about data: anyone, without a role
  by_class,   ///< the handler checks each class
  whole_node  ///< not for those that may see certain classes only
};

/// Where the handler runs: at once, because it takes microseconds, or on a worker.
enum class pace : std::uint8_t { quick, slow };

/// What parameters take if they do not say it: any text, as a JSON schema.
inline constexpr std::string_view any_text = R"({"type": "string", "pattern": "^[^\\u0000]*$"})";

struct query_parameter {
  std::string_view name;
  std::string_view about = {};
  std::string_view takes = any_text;  ///< a JSON schema, which may name shapes of the bodies
  bool repeated = false;
  bool required = false;
  bool header = false;  ///< a header of that name, not part of the query
};

struct route {
  std::string_view method;
  std::string_view pattern;  ///< `/v1/entities/{class}/{key}`
  roles open_to;             ///< not looked at where `covers` is open
  scope covers = scope::whole_node;
  pace takes = pace::slow;
  std::span<const query_parameter> parameters = {};
  std::string_view operation;  ///< name of the operation, for OpenAPI
  std::string_view summary;
  response (api::*handle)(const call&);
  std::span<const std::string_view> answers = json_answer;  ///< media types, the usual one first
  const body_shape* answer = nullptr;                       ///< of the JSON among them
  std::span<const std::string_view> bodies = {};            ///< media types taken; none: no body
  const body_shape* body = nullptr;                         ///< of the JSON among them
  bool body_optional = false;                               ///< none is an empty object
};

std::span<const route> routes();

/// The route of a request, or the problem: an unknown path, a method that it does not take, a
/// query parameter that it does not have.
struct matched {
  const route* to = nullptr;
  std::vector<std::string> parameters;
  std::optional<response> refused;
};
matched match(std::string_view method, const target& address);

/// Why `who` may not use the route, or nothing.
std::optional<response> refusal(const route& to, const principal& who);

}  // namespace windrow::server
