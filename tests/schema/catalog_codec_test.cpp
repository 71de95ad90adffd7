#include <gtest/gtest.h>

#include <algorithm>

#include "schema/catalog/catalog_codec.hpp"
#include "tests/schema/declarations.hpp"

namespace windrow::schema {
namespace {

using testing::all_of;
using testing::compile;
using testing::running_example;

/// Every kind of thing that a catalog can hold.
const std::string everything = R"(features:
  A:
    max_staleness: 1d
    etl_offline_to_online: true
    fields:
      id: int
      t: FeatureTime
      l: list[str | null] | null
      n: { type: bool | null, max_staleness: 5m, etl_offline_to_online: false }
      u: U.id
      x: float
  U:
    fields:
      id: str
      as: { has_many: A }
      w:
        windowed: [1h, all]
        expression: _.as[_.x, _.n == true].mean()
        materialization: { bucket_duration: 1m, bucket_start: 1970-01-01T00:00:07Z, bucket_durations: { 1d: all }, retention: 73000d }
        default: -1.5
      c: { windowed: [1h], expression: _.as.count(), materialization: true, default: 3 }
sources:
  f: { file: "-", max_future_skew: 0s }
  k: { kafka: { bootstrap_server: h, topic: t, kafka_args: { client.id: x } } }
streams:
  s: { source: f, message: { a: int, b: "list[str]" }, parse: _.a, output: { A.id: _.a, A.l: _.b },
       updates_materialized_aggregations: false, deduplication: { on: _.a + 1, within: 90m } }
)";

catalog catalog_of(const std::string& text) {
  const compiled made = compile(text);
  EXPECT_TRUE(made.ok()) << all_of(made);
  return made.declarations.value_or(catalog{});
}

TEST(CatalogCodec, HoldsNoPasswords) {
  const catalog before = catalog_of(R"(features: { User: { fields: { id: str } } }
sources:
  k: { kafka: { bootstrap_server: h, topic: t, security_protocol: sasl_ssl, sasl_mechanism: PLAIN,
                sasl_username: someone, sasl_password: hunter2, ssl_key_password: hunter2,
                kafka_args: { ssl.keystore.password: hunter2, sasl.oauthbearer.config: hunter2,
                              client.id: someclient } } }
)");
  const auto bytes = encode_catalog(before);
  const std::string text(bytes.begin(), bytes.end());
  EXPECT_EQ(text.find("hunter2"), text.npos);
  EXPECT_NE(text.find("someone"), text.npos);
  EXPECT_NE(text.find("someclient"), text.npos);
  // What the node connects with still has them.
  const auto plan = compile_catalog(before);
  ASSERT_TRUE(plan.ok());
  const auto& settings = (*plan)->sources[0].settings;
  EXPECT_EQ(std::count_if(settings.begin(), settings.end(),
                          [](const auto& s) { return s.second == "hunter2"; }),
            4);
}

TEST(CatalogCodec, GivesBackWhatWasEncoded) {
  for (const std::string& text : {running_example, everything}) {
    const catalog before = catalog_of(text);
    const auto bytes = encode_catalog(before);
    const result<catalog> after = decode_catalog(bytes);
    ASSERT_TRUE(after.ok()) << after.error().message;
    EXPECT_EQ(encode_catalog(*after), bytes);
    EXPECT_EQ(after->version, before.version);
    ASSERT_EQ(after->classes.size(), before.classes.size());
    for (std::size_t i = 0; i < before.classes.size(); ++i) {
      const auto& a = after->classes[i];
      const auto& b = before.classes[i];
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(a.max_staleness, b.max_staleness);
      ASSERT_EQ(a.fields.size(), b.fields.size());
      for (std::size_t k = 0; k < b.fields.size(); ++k) {
        EXPECT_EQ(a.fields[k].type, b.fields[k].type);
        EXPECT_EQ(a.fields[k].max_staleness, b.fields[k].max_staleness);
        EXPECT_EQ(a.fields[k].etl_offline_to_online, b.fields[k].etl_offline_to_online);
        EXPECT_EQ(a.fields[k].references, b.fields[k].references);
      }
      for (std::size_t k = 0; k < b.windowed.size(); ++k) {
        EXPECT_EQ(a.windowed[k].expression, b.windowed[k].expression);
        EXPECT_EQ(a.windowed[k].default_value, b.windowed[k].default_value);
        EXPECT_EQ(a.windowed[k].retention, b.windowed[k].retention);
      }
    }
    ASSERT_EQ(after->streams.size(), before.streams.size());
    EXPECT_EQ(after->streams[0].parse, before.streams[0].parse);
    EXPECT_EQ(after->streams[0].output, before.streams[0].output);
    EXPECT_EQ(after->streams[0].message, before.streams[0].message);
    ASSERT_EQ(after->streams[0].deduplication.has_value(),
              before.streams[0].deduplication.has_value());
    if (before.streams[0].deduplication) {
      EXPECT_EQ(after->streams[0].deduplication->on, "(_.a + 1)");
      EXPECT_EQ(after->streams[0].deduplication->within, 90LL * 60 * 1'000'000);
    }
    EXPECT_EQ(after->sources[0].settings, before.sources[0].settings);
  }
}

TEST(CatalogCodec, CompilesToThePlanOfTheFile) {
  for (const std::string& text : {running_example, everything}) {
    const compiled made = compile(text);
    ASSERT_TRUE(made.ok()) << all_of(made);
    const result<catalog> read = decode_catalog(encode_catalog(*made.declarations));
    ASSERT_TRUE(read.ok());
    const result<plan_ptr> again = compile_catalog(*read);
    ASSERT_TRUE(again.ok()) << again.error().message;
    const plan& a = **again;
    const plan& b = *made.plan;
    EXPECT_EQ(a.digest, b.digest);
    ASSERT_EQ(a.rules.size(), b.rules.size());
    for (std::size_t i = 0; i < b.rules.size(); ++i) EXPECT_EQ(a.rules[i].id, b.rules[i].id);
    ASSERT_EQ(a.routes.size(), b.routes.size());
    for (std::size_t i = 0; i < b.routes.size(); ++i) {
      EXPECT_EQ(a.routes[i].key, b.routes[i].key);
      EXPECT_EQ(a.routes[i].columns, b.routes[i].columns);
    }
  }
}

TEST(CatalogCodec, ReportsEveryFlippedByte) {
  const auto bytes = encode_catalog(catalog_of(running_example));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      auto damaged = bytes;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ flip);
      const result<catalog> read = decode_catalog(damaged);
      ASSERT_FALSE(read.ok()) << i;
      EXPECT_EQ(read.error().code, errc::corrupt) << i;
    }
  }
}

TEST(CatalogCodec, ReportsEveryCut) {
  const auto bytes = encode_catalog(catalog_of(running_example));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const result<catalog> read = decode_catalog(std::span(bytes).first(size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.error().code, errc::corrupt);
  }
}

TEST(CatalogCodec, ReportsAForeignFile) {
  const std::string text = "features: {}                                    ";
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  EXPECT_EQ(decode_catalog(bytes).error().code, errc::corrupt);
}

TEST(CompileCatalog, ReportsACatalogThatMakesNoSense) {
  catalog c = catalog_of(running_example);
  c.classes[1].windowed[0].expression = "_.nothing[";
  c.streams[0].source = "nowhere";
  const result<plan_ptr> made = compile_catalog(c);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().code, errc::invalid);
  EXPECT_NE(made.error().message.find("nowhere"), std::string::npos) << made.error().message;
}

TEST(CompileCatalog, NeverCrashesOnOddNumbers) {
  for (const std::int64_t odd :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, INT64_MIN, INT64_MAX}) {
    catalog c = catalog_of(running_example);
    auto& w = c.classes[1].windowed[0];
    w.windows[0].window = odd;
    (void)compile_catalog(c);
    w.windows[0].window = 600'000'000;
    w.windows[0].bucket_duration = odd;
    (void)compile_catalog(c);
    w.windows[0].bucket_duration = 60'000'000;
    w.windows[0].bucket_origin = odd;
    (void)compile_catalog(c);
    w.retention = odd;
    (void)compile_catalog(c);
    c.classes[1].max_staleness = odd;
    (void)compile_catalog(c);
  }
}

}  // namespace
}  // namespace windrow::schema
