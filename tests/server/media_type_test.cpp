#include "server/api/media_type.hpp"

#include <gtest/gtest.h>

#include <array>

namespace windrow::server {
namespace {

constexpr std::array<std::string_view, 2> both{"application/json", "application/x-capnp"};

std::string_view chosen(std::vector<std::string> accept, std::string body = {}) {
  request asked;
  for (std::string& a : accept) asked.headers.emplace_back("accept", std::move(a));
  if (!body.empty()) asked.headers.emplace_back("content-type", std::move(body));
  return chosen_type(asked, both).value_or("none");
}

TEST(MediaType, IsComparedWithoutCaseAndParameters) {
  EXPECT_TRUE(is_media_type("Application/JSON ; charset=utf-8", "application/json"));
  EXPECT_FALSE(is_media_type("application/jsonx", "application/json"));
  EXPECT_FALSE(is_media_type("", "application/json"));
}

TEST(MediaType, OfTheAnswerIsWhatAcceptWantsMost) {
  EXPECT_EQ(chosen({"application/x-capnp"}), "application/x-capnp");
  EXPECT_EQ(chosen({"text/html, Application/X-Capnp;q=0.5"}), "application/x-capnp");
  EXPECT_EQ(chosen({"application/x-capnp;q=0.5, application/json;q=0.6"}), "application/json");
  EXPECT_EQ(chosen({"application/*;q=0.3, application/json;q=0.2"}), "application/x-capnp");
  EXPECT_EQ(chosen({"*/*;q=0.1", "application/x-capnp"}), "application/x-capnp");
  EXPECT_EQ(chosen({"application/json;q=0, */*"}), "application/x-capnp");
}

TEST(MediaType, OfTheAnswerIsThatOfTheBodyWhereAcceptLeavesItOpen) {
  EXPECT_EQ(chosen({}), "application/json");
  EXPECT_EQ(chosen({"*/*"}), "application/json");
  EXPECT_EQ(chosen({}, "application/x-capnp"), "application/x-capnp");
  EXPECT_EQ(chosen({"*/*"}, "application/x-capnp"), "application/x-capnp");
  EXPECT_EQ(chosen({"application/json"}, "application/x-capnp"), "application/json");
  EXPECT_EQ(chosen({"*/*"}, "application/x-ndjson"), "application/json");
}

TEST(MediaType, OfTheAnswerMayBeNone) {
  EXPECT_EQ(chosen({"text/html"}), "none");
  EXPECT_EQ(chosen({"*/*;q=0"}), "none");
  EXPECT_EQ(chosen({"application/json;q=x, application/x-capnp;q=0"}), "none");
  EXPECT_EQ(chosen({""}), "none");
}

}  // namespace
}  // namespace windrow::server
