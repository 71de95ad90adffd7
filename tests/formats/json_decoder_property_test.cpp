// The two paths of the decoder must agree on every message, good or bad: random objects in a few
// shapes, most of them damaged at a random byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "formats/json_decoder.hpp"

namespace windrow::formats {
namespace {

using schema::value_kind;

schema::value_type type(value_kind kind, bool nullable) { return {kind, nullable, nullptr}; }

std::string random_value(std::mt19937& random) {
  const auto digits = [&](unsigned most) {
    std::string text;
    for (unsigned i = 1 + random() % most; i > 0; --i)
      text += static_cast<char>('0' + random() % 10);
    return text;
  };
  switch (random() % 14) {
    case 0:
      return "null";
    case 1:
      return "true";
    case 2:
      return "false";
    case 3:
      return digits(20);
    case 4:
      return "-" + digits(19);
    case 5:
      return std::to_string(static_cast<long long>(random()) * 1000);
    case 6:
      return digits(4) + "." + digits(18);
    case 7:
      return digits(3) + "e" + (random() % 2 ? "-" : "") + digits(3);
    case 8:
      return "\"2024-0" + digits(1) + "-1" + digits(1) + "T10:11:12Z\"";
    case 9:
      return "[1,{\"a\":\"b\"}]";
    case 10:
      return "\"\xC3\xA4\xE2\x82\xAC" + digits(20) + "\"";
    case 11:
      return "\"a\\n\\u00e4" + digits(3) + "\"";
    default:
      return "\"" + std::string(random() % 40, 'x') + "\"";
  }
}

std::string random_message(std::mt19937& random, unsigned shape) {
  static const char* const keys[] = {
      "id",    "user_id", "amount",   "ts",
      "count", "flag",    "merchant", "a_rather_long_key_that_takes_more_than_one_block_of_bytes"};
  std::mt19937 of_shape(shape);
  const std::string separator = of_shape() % 2 ? ", " : ",";
  const std::string colon = of_shape() % 2 ? ": " : ":";
  unsigned order[] = {0, 1, 2, 3, 4, 5, 6, 7};
  std::shuffle(order, order + 8, of_shape);
  std::string text = "{";
  for (unsigned key : order) {
    if (random() % 10 == 0) continue;
    if (random() % 50 == 0) key = random() % 8;
    std::string value = random_value(random);
    if (random() % 16 != 0) {  // mostly what the field wants
      const char* const wanted[] = {"\"t1\"", "\"u22\"", "12.25", "1700000000000",
                                    "42",     "true",    "\"m\"", "null"};
      value = wanted[key];
    }
    text += (text.size() > 1 ? separator : "") + "\"" + keys[key] + "\"" + colon + value;
  }
  return text + "}";
}

void damage(std::string& text, std::mt19937& random) {
  if (text.empty()) return;
  const std::size_t at = random() % text.size();
  switch (random() % 5) {
    case 0:
      text.erase(at, 1 + random() % 3);
      break;
    case 1:
      text.insert(at, 1, static_cast<char>(random()));
      break;
    case 2:
      text[at] = static_cast<char>(random());
      break;
    case 3:
      text[at] = "{}[],:\"\\ 0-.e"[random() % 13];
      break;
    case 4:
      text.resize(at);
      break;
  }
}

void expect_equal(const decoded_rows& a, const decoded_rows& b) {
  ASSERT_EQ(a.messages, b.messages);
  ASSERT_EQ(a.errors.size(), b.errors.size());
  for (std::size_t i = 0; i < a.errors.size(); ++i) {
    EXPECT_EQ(a.errors[i].message, b.errors[i].message);
    EXPECT_EQ(a.errors[i].reason, b.errors[i].reason);
  }
  for (std::size_t i = 0; i < a.columns.size(); ++i) {
    const schema::column& x = a.columns[i];
    const schema::column& y = b.columns[i];
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t row = 0; row < x.size(); ++row) {
      ASSERT_EQ(x.is_valid(row), y.is_valid(row)) << "column " << i << " row " << row;
      if (!x.is_valid(row)) continue;
      if (!x.ints.empty()) {
        ASSERT_EQ(x.ints[row], y.ints[row]);
      }
      if (!x.bools.empty()) {
        ASSERT_EQ(x.bools[row], y.bools[row]);
      }
      if (!x.texts.empty()) {
        ASSERT_EQ(x.texts[row], y.texts[row]);
      }
      if (!x.floats.empty()) {
        ASSERT_EQ(std::memcmp(&x.floats[row], &y.floats[row], sizeof(double)), 0)
            << x.floats[row] << " " << y.floats[row];
      }
    }
  }
}

TEST(JsonDecoderPaths, GiveTheSameRowsAndErrors) {
  const std::vector<schema::message_field> fields = {
      {"id", type(value_kind::text, false)},        {"user_id", type(value_kind::text, true)},
      {"amount", type(value_kind::floating, true)}, {"ts", type(value_kind::datetime, true)},
      {"count", type(value_kind::integer, true)},   {"flag", type(value_kind::boolean, true)}};
  std::size_t good = 0;
  std::size_t bad = 0;
  json_decoder fast(fields);  // keeps what it has learned from all of them
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) {
      texts.push_back(random_message(random, seed * 3 + random() % 3));
      if (random() % 3 == 0) damage(texts.back(), random);
    }
    std::vector<std::pair<sequence, std::string_view>> messages;
    for (const auto& text : texts) messages.emplace_back(messages.size() + 1, text);
    const auto run = make_run(1, 0, 100, timestamp{}, messages);
    json_decoder general(fields);
    general.disable_fast_path();
    decoded_rows a;
    decoded_rows b;
    fast.decode(run->messages, a);
    general.decode(run->messages, b);
    expect_equal(a, b);
    if (HasFatalFailure()) return;
    good += a.rows();
    bad += a.errors.size();
  }
  EXPECT_GT(good, 10000u);
  EXPECT_GT(bad, 10000u);
}

}  // namespace
}  // namespace windrow::formats
