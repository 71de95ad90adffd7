#include "windrow/time.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace windrow {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;

std::int64_t micros(std::string_view text) {
  const auto time = parse_time(text);
  EXPECT_TRUE(time.ok()) << text;
  return time.ok() ? time->micros : -1;
}

TEST(Errc, HasAStableNameForEachCode) {
  EXPECT_EQ(to_string(errc::invalid), "invalid");
  EXPECT_EQ(to_string(errc::not_found), "not_found");
  EXPECT_EQ(to_string(errc::join_key_missing), "join_key_missing");
  EXPECT_EQ(to_string(errc::closed), "closed");
  EXPECT_EQ(to_string(errc::timeout), "timeout");
}

TEST(Duration, ReadsEveryUnit) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"90m", 90 * minute},
      {"1h30m", 90 * minute},
      {"1h 30m", 90 * minute},
      {" 30 m 1 h ", 90 * minute},
      {"1w", 7 * day},
      {"30d", 30 * day},
      {"10s", 10 * second},
      {"250ms", 250'000},
      {"1m1ms", minute + 1'000},
      {"1ms1m", minute + 1'000},
      {"0s", 0},
      {"all", duration_all},
      {"infinity", duration_all},
      {"36500d", duration_all},
      {"1w2d3h4m5s6ms", 9 * day + 3 * hour + 4 * minute + 5 * second + 6'000}};
  for (const auto& [text, expected] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration.ok()) << text << ": " << duration.error().message;
    EXPECT_EQ(*duration, expected) << text;
  }
}

TEST(Duration, RefusesAndNamesTheRest) {
  const std::pair<const char*, const char*> cases[] = {
      {"10d 4d", "\"4d\""},
      {"1h10b", "\"10b\""},
      {"10daily", "daily"},
      {"", "empty"},
      {"  ", "empty"},
      {"10", "unit is missing"},
      {"1h 10", "\"10\""},
      {"h", "number"},
      {"-1h", "number"},
      {"1.5h", "1.5h"},
      {"1H", "unit \"H\""},
      {"1h,30m", "\",30m\""},
      {"allx", "number"},
      {"all 1d", "number"},
      {"1d all", "\"all\""},
      {"99999999999999999999d", "too large"},
      {"9999999999999w", "too long"},
      {"9000000000000000ms 9000000000000s", "too long"}};
  for (const auto& [text, part] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration.ok()) << text;
    EXPECT_EQ(duration.error().code, errc::invalid);
    EXPECT_NE(duration.error().message.find(part), std::string::npos) << duration.error().message;
  }
}

TEST(Duration, IsWrittenInItsLargestUnits) {
  EXPECT_EQ(format_duration(90 * minute), "1h30m");
  EXPECT_EQ(format_duration(10 * minute), "10m");
  EXPECT_EQ(format_duration(30 * day), "30d");
  EXPECT_EQ(format_duration(24 * hour), "1d");
  EXPECT_EQ(format_duration(61 * second + 5'000), "1m1s5ms");
  EXPECT_EQ(format_duration(duration_all), "all");
  EXPECT_EQ(format_duration(0), "0s");
  EXPECT_EQ(format_duration(1'500), "1.5ms");
  EXPECT_EQ(format_duration(-hour), "-1h");
  EXPECT_EQ(format_duration(INT64_MIN).front(), '-');
}

TEST(Duration, ComesBackFromItsText) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2'000; ++i) {
    const std::int64_t duration =
        static_cast<std::int64_t>(random() >> (random() % 50 + 14)) * 1000;
    if (duration < 0) continue;
    const auto back = parse_duration(format_duration(duration));
    ASSERT_TRUE(back.ok()) << duration;
    EXPECT_EQ(*back, duration);
  }
}

TEST(Time, ReadsWhatMessagesHold) {
  const std::int64_t expected = 1'704'164'645 * second;  // 2024-01-02T03:04:05Z
  EXPECT_EQ(micros("2024-01-02T03:04:05Z"), expected);
  EXPECT_EQ(micros("2024-01-02 03:04:05"), expected);
  EXPECT_EQ(micros("2024-01-02t03:04:05z"), expected);
  EXPECT_EQ(micros("2024-01-02T05:04:05+02:00"), expected);
  EXPECT_EQ(micros("2024-01-01T21:34:05-05:30"), expected);
  EXPECT_EQ(micros("2024-01-02 03:04:05+00"), expected);
  EXPECT_EQ(micros("2024-01-02T05:04:05+0200"), expected);
  EXPECT_EQ(micros("2024-01-02T03:04:05.5Z"), expected + 500'000);
  EXPECT_EQ(micros("2024-01-02T03:04:05.000001"), expected + 1);
  EXPECT_EQ(micros("2024-01-02T03:04:05.123456789Z"), expected + 123'456);
  EXPECT_EQ(micros("2024-01-02"), expected - 3 * hour - 4 * minute - 5 * second);
  EXPECT_EQ(micros("1704164645000"), expected);
  EXPECT_EQ(micros("0"), 0);
  EXPECT_EQ(micros("-1"), -1'000);
  EXPECT_EQ(micros("1969-12-31T23:59:59.999999Z"), -1);
  EXPECT_EQ(micros("2016-12-31T23:59:60Z"), micros("2017-01-01T00:00:00Z"));
  EXPECT_EQ(micros("2024-02-29"), micros("2024-03-01") - day);
}

TEST(Time, KeepsToTheYearsOneToNineThousand) {
  EXPECT_EQ(micros("0001-01-01T00:00:00Z"), time_min);
  EXPECT_EQ(micros("9999-12-31T23:59:59.999999Z"), time_max);
  EXPECT_FALSE(parse_time("0000-12-31T00:00:00Z").ok());
  EXPECT_FALSE(parse_time("0001-01-01T00:00:00+01:00").ok());
  EXPECT_FALSE(parse_time("9999-12-31T23:59:59-00:01").ok());
  EXPECT_FALSE(parse_time("253402300800000").ok());
  EXPECT_EQ(micros("253402300799999"), time_max - 999);
  EXPECT_FALSE(parse_time("-62135596800001").ok());
  EXPECT_FALSE(parse_time("9223372036854775807").ok());
  EXPECT_FALSE(parse_time("99999999999999999999").ok());
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "-",
                           "+1",
                           "today",
                           "1.5",
                           "x",
                           "2024-1-2",
                           "2023-02-29",
                           "2024-13-01",
                           "2024-00-01",
                           "2024-01-00",
                           "2024-01-32",
                           "2024-01-02T",
                           "2024-01-02Z",
                           "2024-01-02T03",
                           "2024-01-02T03:4",
                           "2024-01-02T24:00:00Z",
                           "2024-01-02T03:60:00Z",
                           "2024-01-02T03:04:61Z",
                           "2024-01-02T03:04:60Z",
                           "2024-01-02T03:04:05.Z",
                           "2024-01-02T03:04:05+1",
                           "2024-01-02T03:04:05+24:00",
                           "2024-01-02T03:04:05+01:60",
                           "2024-01-02T03:04:05ZZ",
                           "2024-01-02T03:04:05 Z",
                           "2024/01/02",
                           "2024-01-02X03:04:05Z",
                           " 2024-01-02",
                           "1704 ",
                           "2024-01-02T03:04:05Zx",
                           "202a-01-02",
                           "2024-01-02T03:04:05+01:0",
                           "--1"}) {
    std::int64_t untouched = 42;
    EXPECT_FALSE(parse_time_fast(text, untouched)) << text;
    EXPECT_EQ(untouched, 42);
    const auto time = parse_time(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_NE(time.error().message.find(text), std::string::npos);
  }
}

TEST(Time, IsWrittenWithTheShortestFraction) {
  EXPECT_EQ(format_time({1'704'164'645 * second}), "2024-01-02T03:04:05Z");
  EXPECT_EQ(format_time({1'704'164'645 * second + 500'000}), "2024-01-02T03:04:05.500Z");
  EXPECT_EQ(format_time({1'704'164'645 * second + 1}), "2024-01-02T03:04:05.000001Z");
  EXPECT_EQ(format_time({-1}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_time({INT64_MIN}), "0001-01-01T00:00:00Z");
  EXPECT_EQ(format_time({INT64_MAX}), "9999-12-31T23:59:59.999999Z");
}

TEST(Time, ComesBackFromItsText) {
  std::mt19937_64 random(11);
  std::uniform_int_distribution<std::int64_t> any(time_min, time_max);
  for (int i = 0; i < 5'000; ++i) {
    const std::int64_t time = any(random);
    EXPECT_EQ(micros(format_time({time})), time);
  }
}

}  // namespace
}  // namespace windrow
