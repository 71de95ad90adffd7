#include "storage/record/value_codec.hpp"

#include <gtest/gtest.h>

#include "tests/support/random_value.hpp"

namespace windrow::storage {
namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(ValueCodec, GivesBackValuesOfEveryType) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    testing::random_values random(seed);
    const value v = random.of(random.type());
    std::string stored;
    put_value(stored, v);
    varint_reader in(bytes_of(stored));
    const value read = read_value(in);
    ASSERT_TRUE(in.ok() && in.done()) << "seed " << seed;
    ASSERT_EQ(read, v) << "seed " << seed;
    // No beginning of it passes for a value.
    for (std::size_t cut = 0; cut < stored.size(); ++cut) {
      varint_reader part(bytes_of(stored).first(cut));
      (void)read_value(part);
      ASSERT_FALSE(part.ok()) << "seed " << seed << ", cut at " << cut;
    }
  }
}

TEST(ValueCodec, RefusesMapsOutOfOrderAndDeepNesting) {
  const auto reads = [](const value& v) {
    std::string stored;
    put_value(stored, v);
    varint_reader in(bytes_of(stored));
    (void)read_value(in);
    return in.ok();
  };
  EXPECT_TRUE(reads(value_map{{{"a", true}, {"b", true}}}));
  EXPECT_FALSE(reads(value_map{{{"b", true}, {"a", true}}}));
  EXPECT_FALSE(reads(value_map{{{"a", true}, {"a", true}}}));
  value nested = true;
  for (int depth = 0; depth < 16; ++depth) nested = value_struct{{{"f", nested}}};
  EXPECT_TRUE(reads(nested));
  EXPECT_FALSE(reads(value_struct{{{"f", nested}}}));
}

TEST(ValueMap, KeepsKeysUniqueAndInOrder) {
  const value_map made = make_map({{"b", true}, {"a", false}, {"b", false}});
  EXPECT_EQ(made, (value_map{{{"a", false}, {"b", false}}}));
}

}  // namespace
}  // namespace windrow::storage
