#include "schema/catalog/key.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace windrow::schema {
namespace {

using types = std::vector<value_type>;
using values = std::vector<windrow::value>;

const types one_text = {plain(value_kind::text)};
const types one_int = {plain(value_kind::integer)};
const types two_texts = {plain(value_kind::text), plain(value_kind::text)};
const types all_kinds = {plain(value_kind::text), plain(value_kind::integer),
                         plain(value_kind::boolean), plain(value_kind::datetime)};

std::string bytes_of(const types& parts, const values& key) {
  const auto bytes = encode_key(parts, key);
  EXPECT_TRUE(bytes.ok());
  return bytes.ok() ? *bytes : "";
}

TEST(Key, HasTheBytesThatAreDocumented) {
  using namespace std::string_literals;
  EXPECT_EQ(bytes_of(one_text, {"u1"}), "u1");
  EXPECT_EQ(bytes_of(one_text, {""}), "");
  EXPECT_EQ(bytes_of(two_texts, {"u1", "NL"}), "\2\0\0\0u1\2\0\0\0NL"s);
  EXPECT_EQ(bytes_of(one_int, {std::int64_t{1}}), "\x80\0\0\0\0\0\0\1"s);
  EXPECT_EQ(bytes_of(one_int, {std::int64_t{-1}}), "\x7f\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(bytes_of({plain(value_kind::boolean)}, {true}), "\1"s);
  EXPECT_EQ(bytes_of({plain(value_kind::datetime)}, {timestamp{2}}), "\x80\0\0\0\0\0\0\2"s);
}

TEST(Key, OrdersNumbersByTheirBytes) {
  const std::int64_t numbers[] = {
      std::numeric_limits<std::int64_t>::min(), -256, -1, 0, 1, 255, 256,
      std::numeric_limits<std::int64_t>::max()};
  std::vector<std::string> keys;
  for (const auto number : numbers) keys.push_back(bytes_of(one_int, {number}));
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST(Key, RefusesValuesThatDoNotFit) {
  EXPECT_FALSE(encode_key(one_text, values{std::int64_t{1}}).ok());
  EXPECT_FALSE(encode_key(one_int, values{1.0}).ok());
  EXPECT_FALSE(encode_key(one_text, values{windrow::null{}}).ok());
  EXPECT_FALSE(encode_key(two_texts, values{"a"}).ok());
  EXPECT_FALSE(encode_key(types{plain(value_kind::floating)}, values{1.0}).ok());
  EXPECT_EQ(encode_key(one_text, values{windrow::null{}}).error().code, errc::invalid);
}

TEST(Key, ComesBackFromBytesAndText) {
  const std::uint64_t seed = 5;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (std::size_t n = random() % 8; n > 0; --n) text += "ab|\\\0\xff"[random() % 6];
    const values key = {text, static_cast<std::int64_t>(random()), random() % 2 == 0,
                        timestamp{static_cast<std::int64_t>(random() % 253'402'300'799'999'999)}};
    const std::string bytes = bytes_of(all_kinds, key);
    ASSERT_TRUE(decode_key(all_kinds, bytes).ok());
    EXPECT_TRUE(*decode_key(all_kinds, bytes) == key);
    const auto parsed = parse_key(all_kinds, format_key(all_kinds, bytes));
    ASSERT_TRUE(parsed.ok()) << parsed.error().message;
    EXPECT_TRUE(*parsed == key);
    const values single = {text};
    EXPECT_TRUE(*decode_key(one_text, bytes_of(one_text, single)) == single);
    EXPECT_TRUE(*parse_key(one_text, format_key(one_text, text)) == single);
  }
}

TEST(Key, FindsDamagedBytes) {
  const std::string bytes = bytes_of(all_kinds, {"u1", std::int64_t{7}, true, timestamp{9}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto decoded = decode_key(all_kinds, bytes.substr(0, length));
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, errc::corrupt);
  }
  EXPECT_FALSE(decode_key(all_kinds, bytes + "x").ok());
  EXPECT_FALSE(decode_key(types{plain(value_kind::boolean)}, "\2").ok());
  EXPECT_FALSE(decode_key(two_texts, "\xff\xff\xff\xffu1").ok());
  EXPECT_EQ(format_key(one_int, "ab"), "<6162>");
}

TEST(Key, IsWrittenForPeople) {
  EXPECT_EQ(format_key(one_text, "u|1\\"), "u|1\\");
  EXPECT_EQ(format_key(two_texts, bytes_of(two_texts, {"u1", "NL"})), "u1|NL");
  EXPECT_EQ(format_key(two_texts, bytes_of(two_texts, {"a|b", "c\\"})), "a\\|b|c\\\\");
  EXPECT_EQ(
      format_key(all_kinds, bytes_of(all_kinds, {"u", std::int64_t{-3}, false, timestamp{0}})),
      "u|-3|false|1970-01-01T00:00:00Z");
}

TEST(Key, SaysWhatIsWrongWithWhatAPersonWrote) {
  const auto error = [](const types& parts, std::string_view text) {
    const auto key = parse_key(parts, text);
    EXPECT_FALSE(key.ok()) << text;
    return key.ok() ? "" : key.error().message;
  };
  EXPECT_NE(error(one_int, "u1").find("not an int"), std::string::npos);
  EXPECT_NE(error(one_int, "").find("not an int"), std::string::npos);
  EXPECT_NE(error(one_int, "9223372036854775808").find("64 bits"), std::string::npos);
  EXPECT_NE(error(two_texts, "u1").find("1 part and needs 2"), std::string::npos);
  EXPECT_NE(error(two_texts, "a|b|c").find("3 parts"), std::string::npos);
  EXPECT_NE(error(two_texts, "a\\b|c").find("backslash"), std::string::npos);
  EXPECT_NE(error({plain(value_kind::boolean)}, "yes").find("true or false"), std::string::npos);
  EXPECT_NE(error({plain(value_kind::datetime)}, "now").find("not a time"), std::string::npos);
  EXPECT_NE(error({plain(value_kind::floating)}, "1.5").find("cannot be part"), std::string::npos);
}

TEST(Key, IsBuiltFromColumnsAsFromValues) {
  column text, number, flag, time;
  text.type = plain(value_kind::text);
  number.type = plain(value_kind::integer);
  flag.type = plain(value_kind::boolean);
  time.type = plain(value_kind::datetime);
  text.texts = {"u1", "", "u3"};
  text.valid = {1, 1, 0};
  number.ints = {-5, 0, 1};
  flag.bools = {0, 1, 1};
  time.ints = {3, -3, 4};
  const column* const all[] = {&text, &number, &flag, &time};
  const column* const first[] = {&text};
  std::string out = "before:", space = "old";
  std::string_view key;
  EXPECT_TRUE(append_key(out, all, 0));
  const std::string expected = bytes_of(all_kinds, {"u1", std::int64_t{-5}, false, timestamp{3}});
  EXPECT_EQ(out, "before:" + expected);
  EXPECT_TRUE(view_key(key, space, all, 0));
  EXPECT_EQ(key, expected);
  EXPECT_FALSE(append_key(out, all, 2));
  EXPECT_FALSE(append_key(out, first, 2));
  EXPECT_FALSE(view_key(key, space, first, 2));
  EXPECT_EQ(out, "before:" + expected);
  EXPECT_TRUE(append_key(out, first, 0));
  EXPECT_EQ(out, "before:" + expected + "u1");
  EXPECT_TRUE(view_key(key, space, first, 0));
  EXPECT_EQ(key.data(), text.texts[0].data());
}

}  // namespace
}  // namespace windrow::schema
