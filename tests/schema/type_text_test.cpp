#include "schema/expression/type_text.hpp"

#include <gmock/gmock.h>

#include "schema/catalog/catalog_codec.hpp"
#include "tests/support/random_value.hpp"

namespace windrow::schema {
namespace {

using ::testing::HasSubstr;

TEST(TypeText, ReadsWhatItSpells) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    windrow::testing::random_values random(seed);
    const value_type type = random.type();
    const auto read = parse_type(to_string(type));
    ASSERT_TRUE(read) << "seed " << seed << ": " << read.error().message;
    ASSERT_EQ(read->type, type) << to_string(type);
  }
}

TEST(TypeText, CatalogsKeepTypes) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    windrow::testing::random_values random(seed);
    catalog before;
    before.classes.emplace_back().name = "A";
    before.classes.back().fields.emplace_back().name = "f";
    before.classes.back().fields.back().type = random.type();
    const auto after = decode_catalog(encode_catalog(before));
    ASSERT_TRUE(after) << after.error().message;
    ASSERT_EQ(after->classes[0].fields[0].type, before.classes[0].fields[0].type)
        << "seed " << seed;
  }
}

TEST(TypeText, TakesSpacesAnywhere) {
  const auto read = parse_type(" struct{ a :int|null , b: map[ str , list[ bytes ] ] } ");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_string(read->type), "struct{a: int | null, b: map[str, list[bytes]]}");
}

TEST(TypeText, SaysWhatToWrite) {
  const std::pair<const char*, const char*> table[] = {
      {"map[int, str]", "write such as `map[str, int]`"},
      {"map[str]", "write such as `map[str, int]`"},
      {"map[str, int", "no closing `]`"},
      {"map[str, FeatureTime]", "a map holds plain values"},
      {"struct{}", "a field of a struct has a name and a type"},
      {"struct{a}", "a field of a struct has a name and a type"},
      {"struct{a: int, a: str}", "two fields `a`"},
      {"struct{1a: int}", "a field of a struct has a name and a type"},
      {"struct{a: int", "no closing `}`"},
      {"struct{a: nothing}", "unknown type `nothing`"},
      {"struct{u: User.id}", "a struct holds plain values"},
      {"list[list[str]]", "a list of lists is not supported"},
      {"dict", "write `map[str, int]`"},
      {"blob", "write `bytes`"},
  };
  for (const auto& [text, wanted] : table) {
    const auto read = parse_type(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr(wanted)) << text;
  }
  std::string deep = "int";
  for (int i = 0; i < 20; ++i) deep = "map[str, " + deep + "]";
  ASSERT_FALSE(parse_type(deep));
  EXPECT_THAT(parse_type(deep).error().message, HasSubstr("at most 16 deep"));
}

}  // namespace
}  // namespace windrow::schema
