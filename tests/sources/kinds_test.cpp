#include "sources/kinds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "sources/partition_name.hpp"

namespace windrow::sources {
namespace {

TEST(SourceKinds, EachIsReadByOneDriver) {
  std::vector<const schema::source_kind*> declared(schema::source_kinds().begin(),
                                                   schema::source_kinds().end());
  std::vector<const schema::source_kind*> driven;
  for (const kind_driver& driver : kind_drivers()) driven.push_back(driver.kind);
  EXPECT_EQ(driven, declared);
  EXPECT_TRUE(std::is_sorted(declared.begin(), declared.end(),
                             [](auto* a, auto* b) { return a->name < b->name; }));
}

TEST(SourceKinds, AreFoundByNamesThatDiffer) {
  std::set<std::string_view> names;
  for (const schema::source_kind* kind : schema::source_kinds()) {
    EXPECT_EQ(schema::find_source_kind(kind->name), kind);
    EXPECT_TRUE(names.insert(kind->name).second) << kind->name;
    EXPECT_TRUE(kind->example.starts_with(std::string(kind->name) + ": ")) << kind->example;
  }
  EXPECT_EQ(schema::find_source_kind("pulsar"), nullptr);
}

TEST(SourceKinds, ListSettingsInOrderEachOnce) {
  for (const schema::source_kind* kind : schema::source_kinds()) {
    for (std::size_t i = 1; i < kind->settings.size(); ++i) {
      EXPECT_LT(kind->settings[i - 1].name, kind->settings[i].name) << kind->name;
    }
    const std::size_t settings = kind->settings.size();
    EXPECT_TRUE(kind->form != schema::source_form::value || settings == 1) << kind->name;
    EXPECT_TRUE(kind->form != schema::source_form::flag || settings == 0) << kind->name;
    const bool path = std::any_of(kind->settings.begin(), kind->settings.end(),
                                  [](const auto& s) { return s.name == "path"; });
    EXPECT_EQ(path, kind->is_file) << kind->name;
  }
}

// Journals hold the numbers: two kinds with one of them would read each other's partitions.
TEST(SourceKinds, HavePartitionsOfTheirOwn) {
  using storage::partition_kind;
  std::set<partition_kind> taken{partition_kind::standard_input, partition_kind::journal};
  for (const kind_driver& driver : kind_drivers()) {
    EXPECT_EQ(driver.partitions.has_value(), driver.kind->is_read) << driver.kind->name;
    if (!driver.partitions) continue;
    EXPECT_TRUE(taken.insert(*driver.partitions).second) << driver.kind->name;
    EXPECT_EQ(name_of(*driver.partitions), driver.kind->name);
  }
  EXPECT_EQ(name_of(partition_kind::standard_input), "standard input");
  EXPECT_EQ(name_of(partition_kind::journal), "journal");
  EXPECT_EQ(name_of(partition_kind{255}), "unknown");
}

TEST(SourceKinds, SayWhichPartitionIsAFile) {
  const file_identity file{"/a/b.ndjson", 7, 100};
  EXPECT_EQ(path_of({1, storage::partition_kind::file, partition_name(file), ""}), "/a/b.ndjson");
  EXPECT_EQ(path_of({1, storage::partition_kind::file, "no such name", ""}), std::nullopt);
  const kafka_identity topic{"tx", "events", 3, 0};
  EXPECT_EQ(path_of({1, storage::partition_kind::kafka, partition_name(topic), ""}), std::nullopt);
  EXPECT_EQ(path_of({1, storage::partition_kind::journal, "journal", ""}), std::nullopt);
}

TEST(SourceKinds, KeepSecretsOutOfTheFolder) {
  using schema::is_secret_setting;
  for (const char* secret : {"sasl_password", "ssl_key_password", "kafka_args.ssl.key.pem",
                             "kafka_args.sasl.jaas.config", "kafka_args.sasl.oauthbearer.config"}) {
    EXPECT_TRUE(is_secret_setting("kafka", secret)) << secret;
  }
  for (const char* open : {"topic", "ssl_key_file", "sasl_username", "kafka_args.client.id"}) {
    EXPECT_FALSE(is_secret_setting("kafka", open)) << open;
  }
  EXPECT_FALSE(is_secret_setting("file", "path"));
  EXPECT_TRUE(is_secret_setting("of another version", "password"));
}

TEST(SourceKinds, CountPositionsInUnitsThatAreReadBack) {
  using enum schema::position_unit;
  for (const auto unit : {bytes, messages, pushes}) {
    EXPECT_EQ(schema::parse_position_unit(schema::to_string(unit)), unit);
  }
  EXPECT_EQ(schema::parse_position_unit("yards"), std::nullopt);
}

}  // namespace
}  // namespace windrow::sources
