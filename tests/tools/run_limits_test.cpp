#include "tools/run_limits.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace windrow::tools {
namespace {

using namespace std::chrono_literals;

std::string refused(std::vector<std::string> assignments) {
  const auto got = parse_limits(assignments);
  return got.ok() ? "taken" : got.error().message;
}

TEST(RunLimits, TakesEachKindOfValue) {
  const std::vector<std::string> given{"body-bytes=2M", "header-time=1s500ms", "connections=12",
                                       "write-rate=1K", "connections=13"};
  const auto got = parse_limits(given);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got->body_bytes, 2u << 20);
  EXPECT_EQ(got->header_time, 1'500ms);
  EXPECT_EQ(got->connections, 13u);  // the last one holds
  EXPECT_EQ(got->write_rate, 1'024u);
  EXPECT_EQ(got->rows, server::limits{}.rows);
}

TEST(RunLimits, EachCanBeSetToWhatItsHelpSaysAndToItsEnds) {
  for (const server::limit& l : server::every_limit()) {
    const bool is_time = l.time != nullptr;
    for (const std::uint64_t value : {l.least, l.most}) {
      server::limits defaults;
      std::vector<std::string> given{std::string(l.name) + "=" + std::to_string(value) +
                                     (is_time ? "ms" : "")};
      if (l.name == "body-bytes") given.push_back("bodies-bytes=1G");
      if (l.name == "bodies-bytes") given.push_back("body-bytes=1K");
      const auto got = parse_limits(given);
      ASSERT_TRUE(got.ok()) << got.error().message;
      EXPECT_EQ(l.get(*got), value) << l.name;
      EXPECT_NE(l.get(*got), l.get(defaults)) << l.name << ": the default is at an end";
    }
    EXPECT_NE(limits_help().find("  " + std::string(l.name) + "="), std::string::npos);
  }
}

TEST(RunLimits, SaysWhatIsWrong) {
  EXPECT_EQ(refused({"body-byte=1M"}), "there is no limit `body-byte`; did you mean `body-bytes`?");
  EXPECT_EQ(refused({"body-bytes=2"}), "--limit body-bytes is `2`; it is from 1K to 1G");
  EXPECT_EQ(refused({"header-time=10ms"}), "--limit header-time is `10ms`; it is from 100ms to 1h");
  EXPECT_EQ(refused({"header-time=5"}),
            "--limit header-time is `5`; write a duration such as 5s or 250ms");
  EXPECT_EQ(refused({"requests=-1"}), "--limit requests is `-1`; write a whole number");
  EXPECT_EQ(refused({"requests=1e3"}), "--limit requests is `1e3`; write a whole number");
  EXPECT_EQ(refused({"requests=0"}), "--limit requests is `0`; it is from 1 to 100000");
  EXPECT_EQ(refused({"requests"}), "--limit is `requests`; write it as in --limit body-bytes=64M");
  EXPECT_EQ(refused({"body-bytes=64M", "bodies-bytes=32M"}),
            "body-bytes (67108864) is more than bodies-bytes (33554432), what all bodies together "
            "may take; raise bodies-bytes");
}

TEST(RunLimits, HelpHasTheValuesWithoutTheFlag) {
  const std::string help = limits_help();
  EXPECT_NE(help.find("  body-bytes=16M                a body\n"), std::string::npos) << help;
  EXPECT_NE(help.find("  header-time=5s "), std::string::npos) << help;
  EXPECT_NE(help.find("  connections=1024 "), std::string::npos) << help;
}

}  // namespace
}  // namespace windrow::tools
