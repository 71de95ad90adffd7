#include "storage/shard/shard_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/storage/temporary_folder.hpp"

namespace windrow::storage {
namespace {

using ::testing::HasSubstr;
using testing::slurp;
using testing::spill;
using testing::temporary_folder;
using testing::why;

shard_store::options options_at(const std::string& directory, std::uint32_t shard = 1) {
  store_identity identity;
  identity.folder.fill(7);
  identity.shard = shard;
  identity.shard_count = 4;
  return {directory, identity, 64 << 20};
}

std::unique_ptr<shard_store> made_at(const std::string& directory) {
  auto made = shard_store::create(options_at(directory));
  EXPECT_TRUE(made) << why(made);
  auto opened = shard_store::open(options_at(directory));
  EXPECT_TRUE(opened) << why(opened);
  return opened ? std::move(*opened) : nullptr;
}

record_key key(std::uint64_t hi, std::uint32_t segment = 0) {
  return make_record_key({hi, 5}, segment);
}

std::map<record_key, std::string> contents(shard_store& store) {
  std::map<record_key, std::string> all;
  shard_store::reader reader(store);
  EXPECT_TRUE(reader.renew());
  auto read = reader.scan(record_key{}, [&](const record_key& k, bytes value) -> result<bool> {
    all[k] = as_text(value);
    return true;
  });
  EXPECT_TRUE(read) << why(read);
  return all;
}

TEST(ShardStore, OrdersKeysByHashThenSegment) {
  EXPECT_LT(key(1, 9), key(2, 0));
  EXPECT_LT(key(1, 1), key(1, 256));
  EXPECT_LT(make_record_key({1, 2}, 9), make_record_key({1, 3}, 0));
  const record_name name = read_record_key(make_record_key({0x0102030405060708, 9}, 77));
  EXPECT_EQ(name.hash, (key_hash{0x0102030405060708, 9}));
  EXPECT_EQ(name.segment, 77);
  EXPECT_EQ(key(0x0102030405060708)[0], 1);
}

TEST(ShardStore, CommitsRecordsAndStripesTogether) {
  temporary_folder folder;
  {
    auto store = made_at(folder.path());
    const put records[] = {{key(1), as_bytes("one")}, {key(2), as_bytes("two")}};
    const stripe_put stripes[] = {{300, as_bytes("position")}};
    ASSERT_TRUE(store->commit(records, stripes));
  }
  auto store = shard_store::open(options_at(folder.path()));
  ASSERT_TRUE(store) << why(store);
  EXPECT_EQ(contents(**store),
            (std::map<record_key, std::string>{{key(1), "one"}, {key(2), "two"}}));
  auto stripes = (*store)->stripes();
  ASSERT_TRUE(stripes) << why(stripes);
  ASSERT_EQ(stripes->size(), 1);
  EXPECT_EQ((*stripes)[0].stripe, 300);
  EXPECT_EQ(as_text((*stripes)[0].value), "position");
}

TEST(ShardStore, GetsACopyOrNothing) {
  temporary_folder folder;
  auto store = made_at(folder.path());
  const put records[] = {{key(1), as_bytes("one")}, {key(2), {}}};
  ASSERT_TRUE(store->commit(records, {}));
  shard_store::reader reader(*store);
  ASSERT_TRUE(reader.renew());
  byte_buffer out{1, 2, 3};
  EXPECT_TRUE(*reader.get(key(1), out));
  EXPECT_EQ(as_text(out), "one");
  EXPECT_TRUE(*reader.get(key(2), out));
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(*reader.get(key(3), out));
}

TEST(ShardStore, ScansOneKeyRange) {
  temporary_folder folder;
  auto store = made_at(folder.path());
  const put records[] = {{key(1), as_bytes("a")},
                         {key(2), as_bytes("b")},
                         {key(2, 1), as_bytes("c")},
                         {key(3), as_bytes("d")}};
  ASSERT_TRUE(store->commit(records, {}));
  shard_store::reader reader(*store);
  ASSERT_TRUE(reader.renew());
  std::string seen;
  ASSERT_TRUE(reader.scan(key(2), key(3), [&](const record_key&, bytes value) -> result<bool> {
    seen += as_text(value);
    return true;
  }));
  EXPECT_EQ(seen, "bc");
}

TEST(ShardStore, EqualsAMapAfterRandomCommits) {
  const unsigned seed = 4711;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  temporary_folder folder;
  auto store = made_at(folder.path());
  std::map<record_key, std::string> oracle;
  for (int round = 0; round < 30; ++round) {
    std::map<record_key, std::optional<std::string>> changes;
    for (int i = 0; i < 300; ++i) {
      auto& change = changes[key(random() % 900, static_cast<std::uint32_t>(random() % 3))];
      if (random() % 4 != 0)
        change = std::string(random() % 1500, static_cast<char>('a' + round % 26));
    }
    std::vector<put> records;
    for (const auto& [k, value] : changes) {
      records.push_back({k, value ? as_bytes(*value) : bytes{}, !value});
      value ? void(oracle[k] = *value) : void(oracle.erase(k));
    }
    auto done = store->commit(records, {});
    ASSERT_TRUE(done) << why(done);
    if (round % 10 == 9) {
      store.reset();
      auto again = shard_store::open(options_at(folder.path()));
      ASSERT_TRUE(again) << why(again);
      store = std::move(*again);
    }
  }
  EXPECT_EQ(contents(*store), oracle);
  auto verified = store->verify([](const record_key&, bytes) -> result<bool> { return true; },
                                [](std::uint16_t, bytes) -> result<void> { return {}; });
  ASSERT_TRUE(verified) << why(verified);
  EXPECT_EQ(*verified, oracle.size());
}

TEST(ShardStore, VerifyStopsAtWhatItsVisitorRefuses) {
  temporary_folder folder;
  auto store = made_at(folder.path());
  const put records[] = {{key(1), as_bytes("good")}, {key(2), as_bytes("bad")}};
  ASSERT_TRUE(store->commit(records, {}));
  auto verified = store->verify(
      [](const record_key&, bytes value) -> result<bool> {
        if (as_text(value) == "bad") return failure{errc::corrupt, "bad record"};
        return true;
      },
      [](std::uint16_t, bytes) -> result<void> { return {}; });
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().message, "bad record");
}

// Changes the file behind the store's back, through LMDB.
template <class Change>
void tamper(const std::string& directory, Change change) {
  auto file = lmdb::environment::open(
      {directory, {"identity", "records", "stripes", "digests", "layouts"}, 64 << 20});
  ASSERT_TRUE(file) << why(file);
  auto done = (*file)->write([&](lmdb::write_transaction& txn) -> result<void> {
    change(txn, (*file)->table(1), (*file)->table(2));
    return {};
  });
  ASSERT_TRUE(done) << why(done);
}

void fill(const std::string& directory) {
  auto store = made_at(directory);
  const put records[] = {{key(1), as_bytes("one")}, {key(2), as_bytes("two")}};
  const stripe_put stripes[] = {{0, as_bytes("position")}};
  ASSERT_TRUE(store->commit(records, stripes));
}

result<void> check_first_stripe(const std::string& directory) {
  auto store = shard_store::open(options_at(directory));
  EXPECT_TRUE(store) << why(store);
  shard_store::reader reader(**store);
  EXPECT_TRUE(reader.renew());
  return reader.check_stripe(0);
}

TEST(ShardStore, AStripeAsCommittedAddsUp) {
  temporary_folder folder;
  fill(folder.path());
  auto sound = check_first_stripe(folder.path());
  EXPECT_TRUE(sound) << why(sound);
}

TEST(ShardStore, NoticesAMissingRecord) {
  temporary_folder folder;
  fill(folder.path());
  tamper(folder.path(),
         [](auto& txn, auto records, auto) { ASSERT_TRUE(*txn.erase(records, key(2))); });
  auto sound = check_first_stripe(folder.path());
  ASSERT_FALSE(sound);
  EXPECT_EQ(sound.error().code, errc::corrupt);
  EXPECT_THAT(sound.error().message, HasSubstr("it has 1 records, and 2 were written"));
}

TEST(ShardStore, NoticesARecordUnderAnotherKey) {
  temporary_folder folder;
  fill(folder.path());
  tamper(folder.path(), [](auto& txn, auto records, auto) {
    ASSERT_TRUE(*txn.erase(records, key(2)));
    ASSERT_TRUE(txn.put(records, key(3), as_bytes("two")));
  });
  EXPECT_FALSE(check_first_stripe(folder.path()));
}

TEST(ShardStore, NoticesARecordFromAnEarlierTime) {
  temporary_folder folder;
  fill(folder.path());
  {
    auto store = shard_store::open(options_at(folder.path()));
    ASSERT_TRUE(store) << why(store);
    const put records[] = {{key(2), as_bytes("newer")}};
    ASSERT_TRUE((*store)->commit(records, {}));
  }
  ASSERT_TRUE(check_first_stripe(folder.path()));
  tamper(folder.path(), [](auto& txn, auto records, auto) {
    ASSERT_TRUE(txn.put(records, key(2), as_bytes("two")));
  });
  EXPECT_FALSE(check_first_stripe(folder.path()));
}

TEST(ShardStore, NoticesAStripeStateThatIsNotTheLast) {
  temporary_folder folder;
  fill(folder.path());
  tamper(folder.path(), [](auto& txn, auto, auto stripes) {
    const std::uint8_t stripe[] = {0, 0};
    ASSERT_TRUE(txn.put(stripes, stripe, as_bytes("earlier")));
  });
  auto store = shard_store::open(options_at(folder.path()));
  ASSERT_TRUE(store) << why(store);
  auto states = (*store)->stripes();
  ASSERT_FALSE(states);
  EXPECT_THAT(states.error().message, HasSubstr("stripe 0 has a state that is not the last one"));
}

TEST(ShardStore, NoticesALostStripeState) {
  temporary_folder folder;
  fill(folder.path());
  tamper(folder.path(), [](auto& txn, auto, auto stripes) {
    const std::uint8_t stripe[] = {0, 0};
    ASSERT_TRUE(*txn.erase(stripes, stripe));
  });
  auto store = shard_store::open(options_at(folder.path()));
  ASSERT_TRUE(store) << why(store);
  EXPECT_FALSE((*store)->stripes());
}

TEST(ShardStore, RefusesAnotherShardsFile) {
  temporary_folder folder;
  made_at(folder.path());
  auto opened = shard_store::open(options_at(folder.path(), 2));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("should be shard 2 of 4"));
  EXPECT_THAT(opened.error().message, HasSubstr("but is shard 1 of 4"));
}

TEST(ShardStore, RefusesAnotherFoldersFile) {
  temporary_folder folder;
  made_at(folder.path());
  auto expected = options_at(folder.path());
  expected.identity.folder.fill(8);
  auto opened = shard_store::open(expected);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("08080808"));
  EXPECT_THAT(opened.error().message, HasSubstr("07070707"));
}

TEST(ShardStore, RefusesAJournalInItsPlace) {
  temporary_folder folder;
  auto other = options_at(folder.path());
  other.identity.kind = store_kind::journal;
  ASSERT_TRUE(shard_store::create(other));
  auto opened = shard_store::open(options_at(folder.path()));
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("is the journal"));
}

TEST(ShardStore, RefusesAnEmptyFileWhereDataShouldBe) {
  temporary_folder folder;
  made_at(folder.path());
  spill(folder / "data.mdb", "");
  auto opened = shard_store::open(options_at(folder.path()));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("data.mdb is empty"));
}

}  // namespace
}  // namespace windrow::storage
