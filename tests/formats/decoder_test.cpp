#include "formats/decoder.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "formats/json_decoder.hpp"

namespace windrow::formats {
namespace {

schema::stream stream_of_numbers() {
  schema::stream stream;
  stream.message = {{"n", {schema::value_kind::integer, false, nullptr}},
                    {"unread", {schema::value_kind::integer, false, nullptr}}};
  return stream;
}

TEST(Decoder, GivesTheSameRowsHoweverMessagesAreSplitAmongCalls) {
  std::vector<std::pair<sequence, std::string_view>> messages;
  std::vector<std::string> texts;
  texts.reserve(40);
  for (int i = 0; i < 40; ++i) {
    texts.push_back(i % 7 == 3 ? "{\"n\":" : "{\"n\":" + std::to_string(i) + ",\"unread\":0}");
    messages.emplace_back(i + 1, texts.back());
  }
  const auto run = make_run(1, 0, 41, timestamp{}, messages);
  for (const std::size_t block : {1, 3, 40}) {
    const auto decoder = make_decoder(stream_of_numbers(), {true, false});
    decoded_rows rows;
    std::vector<std::int64_t> numbers;
    std::size_t errors = 0;
    for (std::size_t at = 0; at < 40; at += block) {
      const auto some = std::span(run->messages).subspan(at, std::min<std::size_t>(block, 40 - at));
      decoder->decode(some, rows);
      numbers.insert(numbers.end(), rows.columns[0].ints.begin(), rows.columns[0].ints.end());
      EXPECT_TRUE(rows.columns[1].ints.empty());
      for (const decode_error& error : rows.errors) {
        EXPECT_EQ((at + error.message) % 7, 3u);
        EXPECT_EQ(error.reason, "json");
        ++errors;
      }
    }
    std::vector<std::int64_t> expected;
    for (int i = 0; i < 40; ++i) {
      if (i % 7 != 3) expected.push_back(i);
    }
    EXPECT_EQ(numbers, expected) << block;
    EXPECT_EQ(errors, 40 - expected.size()) << block;
  }
}

TEST(Decoder, RefusesWhatIsOnlyTheBeginningOfAMessage) {
  const std::string padded = "{\"n\":1,\"unread\":0}" + std::string(buffer_padding, '\0');
  const message_view cut{padded.data(), 20, true, 1};
  decoded_rows rows;
  make_decoder(stream_of_numbers())->decode({&cut, 1}, rows);
  EXPECT_EQ(rows.rows(), 0u);
  ASSERT_EQ(rows.errors.size(), 1u);
  EXPECT_EQ(rows.errors[0].reason, too_long);
}

// Folders hold these names, and people select dead letters by them.
TEST(Decoder, KeepsTheNamesOfJsonsReasons) {
  using enum json_reason;
  std::vector<std::string_view> names;
  for (const json_reason reason :
       {json, utf8, too_deep, not_an_object, missing_key, duplicate_key, type, range}) {
    names.push_back(to_string(reason));
  }
  names.push_back(too_long);
  EXPECT_EQ(names, (std::vector<std::string_view>{"json", "utf8", "too_deep", "not_an_object",
                                                  "missing_key", "duplicate_key", "type", "range",
                                                  "too_long"}));
}

}  // namespace
}  // namespace windrow::formats
