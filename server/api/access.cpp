#include "server/api/access.hpp"

#include <algorithm>
#include <array>

namespace windrow::server {
namespace {

constexpr std::int64_t wrong_period = 60'000'000;  // microseconds
constexpr std::size_t addresses_max = 10'000;

/// Whether a `Host` header names this machine's loopback.
bool names_loopback(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(0, host.find(']') + 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  constexpr std::array<std::string_view, 3> names{"localhost", "127.0.0.1", "[::1]"};
  return std::find(names.begin(), names.end(), host) != names.end();
}

bool is_bearer(std::string_view value) {
  constexpr std::string_view scheme = "bearer ";
  return value.size() > scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), value.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

}  // namespace

identity authenticator::identify(const peer& from, const request& asked, timestamp now) {
  if (from.local) return {principal::owner(), std::nullopt};
  const std::string_view given = asked.header("authorization");
  if (!given.empty()) return by_token(from, given, now);
  if (from.tls || (tokens_ && tokens_->any(now))) return {principal::nobody(), std::nullopt};
  if (!asked.header("origin").empty()) {
    return {principal::nobody(), problem(403, "forbidden", "requests of web pages are not taken")};
  }
  if (!names_loopback(asked.header("host"))) {
    return {principal::nobody(), problem(421, "misdirected", "this server is not that host")};
  }
  return {{"anonymous", role::reader | role::writer, {}}, std::nullopt};
}

identity authenticator::by_token(const peer& from, std::string_view given, timestamp now) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = wrong_.find(from.address);
    if (known != wrong_.end() && now.micros - known->second.since.micros >= wrong_period) {
      wrong_.erase(known);
    } else if (known != wrong_.end() && known->second.count >= wrong_max_) {
      auto out = problem(429, "too_many_tokens", "too many wrong tokens came from this address");
      out.headers.emplace_back("Retry-After", "60");
      return {principal::nobody(), std::move(out)};
    }
  }
  std::optional<principal> who;
  if (is_bearer(given) && tokens_) {
    std::string_view text = given.substr(given.find(' '));
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    who = tokens_->find(text, now);
  }
  if (who) return {std::move(*who), std::nullopt};
  {
    const std::lock_guard lock(mutex_);
    if (wrong_.size() >= addresses_max) wrong_.clear();
    failures& f = wrong_.try_emplace(from.address, failures{now, 0}).first->second;
    ++f.count;
  }
  auto out = problem(401, "unauthorized", "this token is not valid, or not any longer");
  out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"windrow\", error=\"invalid_token\"");
  return {principal::nobody(), std::move(out)};
}

}  // namespace windrow::server
