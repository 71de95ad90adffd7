#include "storage/record/record_codec.hpp"

#include <gtest/gtest.h>

#include "tests/storage/test_plan.hpp"

// Bytes whose checksum is right and that no writer wrote.
namespace windrow::storage {
namespace {

constexpr std::int64_t day = 86'400'000'000;

class RecordCodec : public ::testing::Test {
protected:
  RecordCodec() {
    testing::plan_maker maker;
    maker.feature(maker.tiling(maker.timeline(), day), schema::aggregation::count,
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

}  // namespace
}  // namespace windrow::storage
