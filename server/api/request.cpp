#include "server/api/request.hpp"

#include <utility>

#include "server/body/problem.hpp"

namespace windrow::server {

std::string_view request::header(std::string_view name) const noexcept {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return {};
}

response problem(int status, std::string_view code, std::string_view detail) {
  response out;
  out.status = status;
  out.type = std::string(problem_type);
  out.body = problem_json(status, code, detail);
  return out;
}

response answer(std::string json) {
  response out;
  out.body = std::move(json);
  return out;
}

response problem(const failure& why) {
  return problem(status_of(why.code), to_string(why.code), why.message);
}

}  // namespace windrow::server
