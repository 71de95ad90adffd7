#include "server/body/json_writer.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "formats/json_decoder.hpp"
#include "tests/support/random_value.hpp"

namespace windrow::server {
namespace {

TEST(JsonWriter, WritesOneLine) {
  json_writer out;
  out.begin_object();
  out.key("entity").string("User");
  out.key("features").begin_object().key("n").integer(3).end_object();
  out.key("rows").begin_array().number(12.5).null().boolean(true).end_array();
  out.key("none").begin_array().end_array();
  out.end_object();
  EXPECT_EQ(out.take(), R"({"entity": "User", "features": {"n": 3}, )"
                        R"("rows": [12.5, null, true], "none": []})");
}

TEST(JsonWriter, Indents) {
  json_writer out(2);
  out.begin_object().key("a").begin_array().integer(1).integer(2).end_array();
  out.key("b").begin_object().end_object().end_object();
  EXPECT_EQ(out.take(), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}");
}

TEST(JsonWriter, WritesAValueOfEveryType) {
  json_writer out;
  out.value(value_list{null{}, true, std::int64_t{-7}, 40.0, std::string("a\"b"),
                       timestamp{1'772'366'400'500'000}, value_list{},
                       value_map{{{"a", true}, {"b", null{}}}},
                       value_struct{{{"z", std::int64_t{1}}, {"a", value_map{}}}},
                       byte_string{std::string("\xff\0", 2)}});
  EXPECT_EQ(out.take(), R"([null, true, -7, 40.0, "a\"b", "2026-03-01T12:00:00.500Z", [], )"
                        R"({"a": true, "b": null}, {"z": 1, "a": {}}, "/wA="])");
}

TEST(JsonWriter, WritesWhatTheDecoderOfMessagesReads) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    windrow::testing::random_values random(seed);
    schema::value_type type = random.type();
    type = {schema::value_kind::structure, false, nullptr,
            std::make_shared<const std::vector<schema::struct_field>>(
                std::vector<schema::struct_field>{{"inner", type}})};
    const windrow::value v = random.of(type);
    json_writer out;
    out.begin_object().key("k").value(v).end_object();
    const std::string text = out.take();
    formats::json_decoder decoder({{"k", type}});
    const std::pair<storage::sequence, std::string_view> messages[] = {{1, text}};
    const auto run = formats::make_run(1, 0, 1, timestamp{}, messages);
    formats::decoded_rows rows;
    decoder.decode(run->messages, rows);
    ASSERT_EQ(rows.rows(), 1u) << "seed " << seed << ": " << text;
    ASSERT_EQ(rows.columns[0].values[0], v) << "seed " << seed << ": " << text;
  }
}

TEST(JsonWriter, WritesTheLimitsOfIntegers) {
  json_writer out;
  out.begin_array().integer(INT64_MIN).integer(INT64_MAX).unsigned_integer(UINT64_MAX).end_array();
  EXPECT_EQ(out.take(), "[-9223372036854775808, 9223372036854775807, 18446744073709551615]");
}

TEST(JsonString, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(json_string("\"\\/\b\f\n\r\t\x01\x7f"), R"("\"\\/\b\f\n\r\t\u0001\u007f")");
  EXPECT_EQ(json_string("Zürich 漢字 🛫"), "\"Zürich 漢字 🛫\"");
  EXPECT_EQ(json_string(std::string_view("a\0b", 3)), R"("a\u0000b")");
}

TEST(JsonString, ReplacesBytesThatAreNotUtf8) { EXPECT_EQ(json_string("a\xff"), "\"a\uFFFD\""); }

TEST(JsonNumber, AlwaysLooksLikeAFloat) {
  EXPECT_EQ(json_number(0.0), "0.0");
  EXPECT_EQ(json_number(-0.0), "-0.0");
  EXPECT_EQ(json_number(40.0), "40.0");
  EXPECT_EQ(json_number(0.1), "0.1");
  EXPECT_EQ(json_number(1e300), "1e+300");
}

TEST(JsonNumber, IsNullWhereJsonHasNoNumber) {
  EXPECT_EQ(json_number(NAN), "null");
  EXPECT_EQ(json_number(-INFINITY), "null");
}

TEST(JsonNumber, ReadsBackAsTheSameDouble) {
  constexpr std::uint64_t seed = 20260301;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const double number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    const std::string text = json_number(number);
    double back = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(end.ptr, text.data() + text.size()) << text;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(back), std::bit_cast<std::uint64_t>(number)) << text;
  }
}

}  // namespace
}  // namespace windrow::server
