#include "server/body/problem.hpp"

#include <utility>

#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"

namespace windrow::server {

int status_of(errc code) noexcept {
  switch (code) {
    case errc::invalid:
      return 400;
    case errc::not_found:
      return 404;
    case errc::mismatch:
    case errc::conflict:
    case errc::gap:
    case errc::busy:
      return 409;
    case errc::expired:
    case errc::overflow:
    case errc::join_key_missing:
      return 422;
    case errc::closed:
    case errc::unavailable:
    case errc::timeout:
      return 503;
    case errc::corrupt:
    case errc::io:
      break;
  }
  return 500;
}

errc code_named(std::string_view name) noexcept {
  for (int code = 0; code <= static_cast<int>(errc::timeout); ++code) {
    if (to_string(static_cast<errc>(code)) == name) return static_cast<errc>(code);
  }
  return errc::io;
}

std::string_view reason_of(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string problem_json(int status, std::string_view code, std::string_view detail) {
  json_writer out;
  out.begin_object().key("type").string("urn:windrow:problem:" + std::string(code));
  out.key("title").string(reason_of(status)).key("status").integer(status);
  out.key("detail").string(detail).key("code").string(code).end_object();
  return out.take() + "\n";
}

failure read_problem(int status, std::string_view body) {
  using code_and_detail = std::pair<errc, std::string>;
  auto read = with_json<code_and_detail>(
      body, errc::io, "the answer", [](simdjson::dom::element root) -> result<code_and_detail> {
        return code_and_detail{code_named(std::string_view(root["code"])), text_of(root, "detail")};
      });
  if (read) return {read->first, std::move(read->second)};
  return {errc::io, "the server answered " + std::to_string(status) + " " +
                        std::string(reason_of(status)) + ": " + std::string(body.substr(0, 200))};
}

constinit const body_shape problem_shape{"Problem", R"({"type": "object",
  "required": ["type", "title", "status", "detail", "code"], "properties": {
    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
    "detail": {"type": "string"}, "code": {"type": "string"}}})"};

}  // namespace windrow::server
