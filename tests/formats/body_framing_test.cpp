#include "formats/body_framing.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace windrow::formats {
namespace {

std::vector<std::string> elements(std::string_view body, std::size_t most = 10) {
  const auto split = split_array(body, most);
  if (!split) return {"error"};
  std::vector<std::string> out(split->messages.begin(), split->messages.end());
  if (split->too_many) out.push_back("too many");
  return out;
}

TEST(BodyFraming, FindsWhereElementsEnd) {
  using strings = std::vector<std::string>;
  EXPECT_EQ(elements(R"( [ {"a": "],}"} , {"b": [1, {}]},"\"]" ,7] )"),
            (strings{R"({"a": "],}"})", R"({"b": [1, {}]})", R"("\"]")", "7"}));
  EXPECT_EQ(elements("[]"), strings{});
  EXPECT_EQ(elements("[ ]"), strings{});
  EXPECT_EQ(elements(R"({"a": 1})"), strings{R"({"a": 1})"});
  EXPECT_EQ(elements("[1,2,3]", 2), (strings{"1", "2", "too many"}));
  for (const char* bad : {"", "x", "[", "[1", "[1,", "[1,]", "[,1]", "[1]]", "[1] 2", "[\"a", "[}",
                          "[] []", "[{]", "[\"\\"}) {
    EXPECT_EQ(elements(bad), strings{"error"}) << bad;
  }
}

TEST(BodyFraming, TakesALineAMessage) {
  const auto split = split_lines("{\"a\": 1}\r\n\n  \n{\"b\": 2}", 10);
  EXPECT_EQ(split.messages, (std::vector<std::string_view>{"{\"a\": 1}", "{\"b\": 2}"}));
  EXPECT_TRUE(split_lines("1\n2\n3", 2).too_many);
  EXPECT_TRUE(split_lines("", 2).messages.empty());
}

TEST(BodyFraming, IsFoundByTheMediaType) {
  std::vector<std::string_view> types;
  for (const body_framing& framing : body_framings()) {
    types.push_back(framing.media_type);
    const auto split = framing.split("{\"a\":\n1}", 10);
    ASSERT_TRUE(split.ok());
    EXPECT_EQ(split->messages.size(), framing.media_type == "application/x-ndjson" ? 2u : 1u);
  }
  EXPECT_EQ(types, (std::vector<std::string_view>{"application/json", "application/x-ndjson"}));
}

}  // namespace
}  // namespace windrow::formats
