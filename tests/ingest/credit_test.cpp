#include "ingest/credit.hpp"

#include <gtest/gtest.h>

namespace windrow::ingest {
namespace {

TEST(Credit, IsSpentByBatches) {
  ingest::credit c(2, {.batches = 2, .bytes = 1000});
  c.sent(0, 1);
  EXPECT_TRUE(c.available());
  c.sent(0, 1);
  EXPECT_FALSE(c.available());
  c.returned(0, 1);
  EXPECT_TRUE(c.available());
}

TEST(Credit, IsSpentByBytes) {
  ingest::credit c(1, {.batches = 100, .bytes = 1000});
  c.sent(0, 1000);
  EXPECT_FALSE(c.available());
}

TEST(Credit, WaitsForTheSlowestShard) {
  ingest::credit c(2, {.batches = 1, .bytes = 1000});
  c.sent(1, 10);
  EXPECT_FALSE(c.available());
}

TEST(Credit, IsSettledWhenEverythingCameBack) {
  ingest::credit c(2, {});
  EXPECT_TRUE(c.idle());
  c.sent(0, 5);
  c.sent(1, 7);
  c.returned(1, 7);
  EXPECT_FALSE(c.idle());
  c.returned(0, 5);
  EXPECT_TRUE(c.idle());
}

}  // namespace
}  // namespace windrow::ingest
