#pragma once

#include <optional>
#include <string>
#include <utility>

#include "server/body/dead_letters_json.hpp"
#include "server/body/query_json.hpp"
#include "windrow/time.hpp"

// Answers as a node gives them, for the tests of what is made of them: JSON and tables.
namespace windrow::test {

inline timestamp at(const char* text) { return parse_time(text).value(); }

inline feature_answer name_is(windrow::value value, std::optional<timestamp> when) {
  feature_answer name;
  name.feature = "user.name";
  name.value = std::move(value);
  name.at = when;
  return name;
}

inline feature_answer sum_is(windrow::value value, std::uint64_t events) {
  return {.feature = "user.sum_transaction_amount__3600__",
          .value = std::move(value),
          .at = {},
          .age = {},
          .from = at("2026-03-01T11:30:00Z"),
          .to = at("2026-03-01T12:31:00Z"),
          .events = events};
}

inline feature_answer expired(const char* feature) {
  feature_answer answer;
  answer.feature = feature;
  answer.value = failure{errc::expired, "reaches beyond 31 days"};
  return answer;
}

inline query_answer two_users() {
  return {.now = at("2026-03-01T12:30:00Z"),
          .catalog_version = 1,
          .rows = {{.entity = "User",
                    .key = std::string("u1"),
                    .position = {{"transactions", 1103}},
                    .features = {name_is(std::string("Ann"), at("2026-03-01T09:00:00Z")),
                                 sum_is(12.5, 3), expired("user.n__2592000__")}},
                   {.entity = "User",
                    .key = std::string("u4"),
                    .position = {},
                    .features = {name_is(null{}, std::nullopt), sum_is(0.0, 0),
                                 expired("user.n__2592000__")}}}};
}

inline explanation atlanta() {
  const feature_answer delay{.feature = "airport.delay__7200__",
                             .value = windrow::value(7.0),
                             .at = {},
                             .age = {},
                             .from = at("2026-03-01T10:00:00Z"),
                             .to = at("2026-03-01T13:00:00Z"),
                             .events = 4};
  const auto bucket = [](const char* start, const char* end, std::uint64_t events, double value) {
    return explanation::bucket{at(start), at(end), events, windrow::value(value)};
  };
  return {.row = {.entity = "Airport",
                  .key = std::string("ATL"),
                  .position = {{"flights", 12}},
                  .features = {delay}},
          .buckets = {bucket("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", 1, 12.0),
                      bucket("2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z", 2, -3.0),
                      bucket("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", 1, 22.0)}};
}

inline server::explain_context context() {
  return {.now = at("2026-03-01T12:30:00Z"),
          .catalog_version = 3,
          .aggregation = "mean of _.delay",
          .bucket_duration = 3'600'000'000};
}

inline node::dead_letter_listing one_dead_letter() {
  node::dead_letter_line shown;
  shown.source = "payments";
  shown.partition = "/in/payments.ndjson";
  shown.line = 7;
  shown.letter.at = 700;
  shown.letter.stream = "payment_stream";
  shown.letter.phase = "parse";
  shown.letter.reason = "type";
  shown.letter.message = "Key 'amount': expected float.";
  shown.letter.bytes = "{\"id\": \"\x1b[2J\"}";
  shown.letter.total_bytes = shown.letter.bytes.size();
  return {{shown}, 1, {{"/in/payments.ndjson", "parse", "type", 1}}};
}

}  // namespace windrow::test
