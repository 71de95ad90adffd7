#include "tools/arguments.hpp"

#include <gtest/gtest.h>

namespace windrow::tools {
namespace {

TEST(ParseBytes, KnowsUnits) {
  EXPECT_EQ(parse_bytes("--memory", "67108864").value(), 67'108'864u);
  EXPECT_EQ(parse_bytes("--memory", "512M").value(), 536'870'912u);
  EXPECT_EQ(parse_bytes("--memory", "512MiB").value(), 536'870'912u);
  EXPECT_EQ(parse_bytes("--memory", "2 gb").value(), 2'147'483'648u);
  EXPECT_EQ(parse_bytes("--memory", "1.5K").value(), 1'536u);
}

TEST(ParseBytes, RefusesTheRest) {
  for (const char* text : {"", "M", "-1", "0", "5X", "5Mx", "1e9", "nan", "99999999T", "5 M B"}) {
    const auto parsed = parse_bytes("--memory", text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_NE(parsed.error().message.find("--memory"), std::string::npos);
  }
}

TEST(ParseEntity, CutsAtTheFirstEqualsSign) {
  const auto entity = parse_entity("Card=a=b");
  ASSERT_TRUE(entity.ok());
  EXPECT_EQ(entity->entity_class, "Card");
  EXPECT_EQ(entity->key, "a=b");
  EXPECT_EQ(parse_entity("Card=")->key, "");
  EXPECT_FALSE(parse_entity("Card").ok());
  EXPECT_FALSE(parse_entity("=u1").ok());
}

TEST(ParseAssignment, WantsBothSides) {
  const auto pair = parse_assignment("--input", "users=-", "--input users=a.ndjson");
  ASSERT_TRUE(pair.ok());
  EXPECT_EQ(pair.value(), (std::pair<std::string, std::string>("users", "-")));
  EXPECT_FALSE(parse_assignment("--input", "users", "x").ok());
  EXPECT_FALSE(parse_assignment("--input", "users=", "x").ok());
  EXPECT_FALSE(parse_assignment("--input", "=a", "x").ok());
}

TEST(ParseNow, ReadsTimesAndMilliseconds) {
  EXPECT_EQ(parse_now("1970-01-01T00:00:01+00:00")->micros, 1'000'000);
  EXPECT_EQ(parse_now("1500")->micros, 1'500'000);
  for (const char* text : {"noon", "", "1e3", "2026-13-01"}) {
    EXPECT_EQ(parse_now(text).error().message,
              std::string("--now is `") + text + "`; write a time such as 2026-03-01T12:30:00Z, " +
                  "a date, or milliseconds since 1970");
  }
}

TEST(ParseInterval, IsAboveZero) {
  EXPECT_EQ(parse_interval("--checkpoint", "1m30s").value(), 90'000'000);
  EXPECT_FALSE(parse_interval("--checkpoint", "0s").ok());
  EXPECT_FALSE(parse_interval("--checkpoint", "often").ok());
}

TEST(ShellWord, QuotesWhatTheShellWouldChange) {
  EXPECT_EQ(shell_quote("data/a-1"), "data/a-1");
  EXPECT_EQ(shell_quote("my data"), "'my data'");
  EXPECT_EQ(shell_quote("it's"), R"('it'\''s')");
  EXPECT_EQ(shell_quote(""), "''");
}

}  // namespace
}  // namespace windrow::tools
