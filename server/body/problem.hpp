#pragma once

#include <string>
#include <string_view>

#include "server/body/body_shape.hpp"
#include "windrow/result.hpp"

/// Errors on the wire: problem details (RFC 9457), `application/problem+json`.
namespace windrow::server {

inline constexpr std::string_view problem_type = "application/problem+json";

/// The HTTP status that stands for a code.
int status_of(errc code) noexcept;
/// The code of that stable name; `io` where it is none.
errc code_named(std::string_view name) noexcept;
/// What a status means, in two or three words.
std::string_view reason_of(int status) noexcept;

/// `{"type", "title", "status", "detail", "code"}` on one line. `code` is what a program reacts to:
/// a code of `errc`, or one of the server's own (`unauthorized`, `too_large`, …).
std::string problem_json(int status, std::string_view code, std::string_view detail);

/// The failure a problem's body stands for; whatever else a body holds becomes a failure that
/// quotes the beginning of it.
failure read_problem(int status, std::string_view body);

/// What `problem_json` writes.
extern const body_shape problem_shape;

}  // namespace windrow::server
