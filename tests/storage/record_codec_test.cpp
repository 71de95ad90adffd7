#include "storage/record/record_codec.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/storage/test_plan.hpp"

// Bytes whose checksum is right and that no writer wrote.
namespace windrow::storage {
namespace {

constexpr std::int64_t day = 86'400'000'000;

class RecordCodec : public ::testing::Test {
protected:
  RecordCodec() {
    testing::plan_maker maker;
    maker.feature(maker.tiling(maker.watermark_group(), day), schema::aggregation::count,
                  testing::column_b, {day});
    pool_.emplace(maker.make());
    layouts_.emplace(pool_->layouts());
    record* r = pool_->create(0, "key", 1);
    encode_head(empty_, *pool_, *layouts_, *r);
    pool_->destroy(r);
  }

  /// A head with one tile of one row in that bucket.
  std::string with_tile(std::int64_t bucket) const {
    std::string out = empty_;
    out.pop_back();  // no tiles
    put_varint(out, 1u << 2);
    put_zigzag(out, bucket);
    return out + std::string("\0\x03", 2);
  }

  bool decodes(const std::string& body) {
    const auto read = decode_head(*pool_, *layouts_, bytes_of(body), 1);
    if (read) pool_->destroy(read->r);
    return read.has_value();
  }

  static std::span<const std::uint8_t> bytes_of(const std::string& body) {
    return {reinterpret_cast<const std::uint8_t*>(body.data()), body.size()};
  }

  std::optional<record_pool> pool_;
  std::optional<layout_table> layouts_;
  std::string empty_;
};

TEST_F(RecordCodec, RefusesBucketsWhoseTimeLeavesInt64) {
  EXPECT_TRUE(decodes(empty_));
  EXPECT_TRUE(decodes(with_tile(20'000)));
  EXPECT_TRUE(decodes(with_tile(-700'000)));  // about the year 1
  EXPECT_FALSE(decodes(with_tile(INT64_MAX / day)));
  EXPECT_FALSE(decodes(with_tile(INT64_MIN)));
}

TEST_F(RecordCodec, ReadsOverflowFlagsAndRefusesThoseOfPartialsThatCannotOverflow) {
  testing::plan_maker maker;
  maker.feature(maker.tiling(maker.watermark_group(), day), schema::aggregation::any,
                testing::column_h, {day});
  record_pool pool(maker.make());
  const layout_table layouts(pool.layouts());
  record* r = pool.create(0, "key", 1);
  std::string head;
  encode_head(head, pool, layouts, *r);
  pool.destroy(r);
  ASSERT_EQ(head[1], 1);  // the kind: nothing has overflowed
  head.pop_back();
  put_varint(head, 1u << 2);
  put_zigzag(head, 20'000);
  head += std::string("\0\x03\x01", 3);
  const auto decodes = [&](char kind, const std::string& flags) {
    std::string body = head + flags;
    body[1] = kind;
    const auto read = decode_head(pool, layouts, bytes_of(body), 1);
    if (read) pool.destroy(read->r);
    return read.has_value();
  };
  EXPECT_TRUE(decodes(0x01, ""));
  EXPECT_FALSE(decodes(0x01, std::string(1, '\0')));
  EXPECT_TRUE(decodes(0x41, std::string(1, '\0')));
  EXPECT_FALSE(decodes(0x41, ""));
  EXPECT_FALSE(decodes(0x41, "\x01"));  // of `any`
  EXPECT_FALSE(decodes(0x41, "\x02"));  // of no partial
  EXPECT_FALSE(decodes(0x42, std::string(1, '\0')));
}

TEST_F(RecordCodec, RefusesSegmentsWhoseBucketsDoNotAscendToTheirLast) {
  record* r = pool_->create(0, "key", 1);
  const auto decoded = [&](const std::string& tiles, std::int64_t last) {
    std::string body = {1, 2, 1};  // form, kind, layout
    put_varint(body, 0u);
    put_varint(body, 2u << 1);
    put_zigzag(body, 100);
    body += tiles;
    segment s;
    s.number = 1, s.count = 2, s.first = 100, s.last = last;
    const bool read = decode_segment(*pool_, *layouts_, *r, s, bytes_of(body));
    if (read) pool_->free_segment(*r, s);
    return read;
  };
  EXPECT_TRUE(decoded(std::string("\0\x03\x05\x03", 4), 105));
  EXPECT_FALSE(decoded(std::string("\0\x03\x05\x03", 4), 104));
  EXPECT_FALSE(decoded(std::string("\0\x03\0\x03", 4), 105));
  EXPECT_FALSE(decoded(std::string("\x01\x03\x01\x03", 4), 105));
  pool_->destroy(r);
}

TEST(RecordLayout, SaysWhatItsPartialsFold) {
  layout_definition d;
  d.key_space = 7;
  schema::tiling t;
  t.id = 8;
  t.duration = day;
  t.arguments = {"_.a", "_.at"};
  t.argument_types = {{schema::value_kind::integer, true, nullptr},
                      {schema::value_kind::datetime, false, nullptr}};
  const auto kind = schema::partial_kind::sum_int;
  t.partials = {{kind, 0}, {kind, 0, 1}, {kind, 0, 1, 3}, {kind, 0, 1, -3}, {kind, 1, 0, 3}};
  d.tilings = {t};
  d.lanes = {{0, 0}};
  std::string encoded = encode_layout(d);
  const auto bytes_of = [](const std::string& s) {
    return std::span(reinterpret_cast<const std::uint8_t*>(s.data()), s.size());
  };
  const auto read = decode_layout(bytes_of(encoded));
  ASSERT_TRUE(read);
  EXPECT_EQ(encode_layout(*read), encoded);
  ASSERT_EQ(read->tilings.size(), 1u);
  std::set<std::uint64_t> ids;
  for (std::size_t i = 0; i < t.partials.size(); ++i) {
    const schema::partial& p = read->tilings[0].partials.at(i);
    EXPECT_EQ(p.second_argument, t.partials[i].second_argument);
    EXPECT_EQ(p.parameter, t.partials[i].parameter);
    EXPECT_EQ(partial_id(read->tilings[0], p), partial_id(t, t.partials[i]));
    ids.insert(partial_id(t, t.partials[i]));
  }
  EXPECT_EQ(ids.size(), t.partials.size());

  d.tilings[0].partials = {{kind, 0, 2}};
  EXPECT_FALSE(decode_layout(bytes_of(encode_layout(d)))) << "no such argument";
  d.tilings[0].partials = {{static_cast<schema::partial_kind>(schema::partial_kind_count - 1), 0}};
  EXPECT_TRUE(decode_layout(bytes_of(encode_layout(d))));
  d.tilings[0].partials = {{static_cast<schema::partial_kind>(schema::partial_kind_count), 0}};
  EXPECT_FALSE(decode_layout(bytes_of(encode_layout(d)))) << "no such kind";
}

}  // namespace
}  // namespace windrow::storage
