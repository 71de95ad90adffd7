#include "storage/lmdb/lmdb.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <thread>

#include "storage/lmdb/pages.hpp"
#include "tests/storage/temporary_folder.hpp"

namespace windrow::storage::lmdb {
namespace {

using testing::flip_bit;
using ::testing::HasSubstr;
using testing::in_child;
using testing::limit_file_size;
using testing::slurp;
using testing::spill;
using testing::temporary_folder;
using testing::why;

constexpr std::uint64_t small_map = 64 << 20;

environment_options options_at(const std::string& directory, std::uint64_t map = small_map) {
  return {directory, {"one", "two"}, map};
}

std::unique_ptr<environment> made_at(const std::string& directory, std::uint64_t map = small_map) {
  auto made = environment::create(options_at(directory, map), nullptr);
  EXPECT_TRUE(made) << why(made);
  return made ? std::move(*made) : nullptr;
}

result<void> put_one(environment& file, const std::string& key, const std::string& value) {
  return file.write([&](write_transaction& txn) {
    return txn.put(file.table(0), as_bytes(key), as_bytes(value));
  });
}

std::optional<std::string> get_one(environment& file, const std::string& key) {
  std::optional<std::string> value;
  auto read = file.read([&](const read_transaction& txn) -> result<void> {
    auto found = txn.get(file.table(0), as_bytes(key));
    if (!found) return found.error();
    if (*found) value = as_text(**found);
    return {};
  });
  EXPECT_TRUE(read) << why(read);
  return value;
}

std::string key_number(int number) {
  std::string key(8, '\0');
  store_big(reinterpret_cast<std::uint8_t*>(key.data()), static_cast<std::uint64_t>(number));
  return key;
}

/// A file with three levels of pages, large values and free pages.
void fill_richly(environment& file) {
  for (int round = 0; round < 3; ++round) {
    auto written = file.write([&](write_transaction& txn) -> result<void> {
      for (int i = 0; i < 6000; ++i) {
        const std::string value(i % 500 == 0 ? 9000 : 100, static_cast<char>('a' + round));
        if (auto put = txn.put(file.table(0), as_bytes(key_number(i)), as_bytes(value)); !put)
          return put;
      }
      for (int i = 0; round == 1 && i < 3000; i += 2)
        if (auto gone = txn.erase(file.table(0), as_bytes(key_number(i))); !gone)
          return gone.error();
      return txn.put(file.table(1), as_bytes("k"), as_bytes("v"));
    });
    ASSERT_TRUE(written) << why(written);
  }
}

TEST(Lmdb, KeepsWhatWasCommitted) {
  temporary_folder folder;
  {
    auto file = made_at(folder.path());
    ASSERT_TRUE(put_one(*file, "key", "value"));
  }
  auto again = environment::open(options_at(folder.path()));
  ASSERT_TRUE(again) << why(again);
  EXPECT_EQ(get_one(**again, "key"), "value");
  EXPECT_EQ(get_one(**again, "other"), std::nullopt);
}

TEST(Lmdb, RefusesASecondOpenInOneProcess) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  auto second = environment::open(options_at(folder.path() + "/."));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::busy);
  file.reset();
  EXPECT_TRUE(environment::open(options_at(folder.path())));
}

TEST(Lmdb, RefusesToCreateOverAFile) {
  temporary_folder folder;
  made_at(folder.path());
  auto second = environment::create(options_at(folder.path()), nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::corrupt);
}

TEST(Lmdb, AbortsWhereTheBodyFails) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  auto written = file->write([&](write_transaction& txn) -> result<void> {
    if (auto put = txn.put(file->table(0), as_bytes("a"), as_bytes("b")); !put) return put;
    return failure{errc::invalid, "changed my mind"};
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message, "changed my mind");
  EXPECT_EQ(get_one(*file, "a"), std::nullopt);
  EXPECT_TRUE(put_one(*file, "a", "c"));
}

TEST(Lmdb, RefusesKeysItCannotHold) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  EXPECT_TRUE(put_one(*file, std::string(511, 'k'), "v"));
  for (const std::size_t length : {0, 512}) {
    auto written = put_one(*file, std::string(length, 'k'), "v");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, errc::invalid);
  }
}

TEST(Lmdb, ScansARangeInOrder) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  for (const char* key : {"c", "a", "d", "b"}) ASSERT_TRUE(put_one(*file, key, key));
  std::string seen;
  auto read = file->read([&](const read_transaction& txn) {
    return txn.scan(file->table(0), as_bytes("b"), as_bytes("d"),
                    [&](const entry& e) -> result<bool> {
                      seen += as_text(e.key);
                      return true;
                    });
  });
  ASSERT_TRUE(read) << why(read);
  EXPECT_EQ(seen, "bc");
}

TEST(Lmdb, InsertKeepsTheFirstValue) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  auto written = file->write([&](write_transaction& txn) -> result<void> {
    EXPECT_TRUE(*txn.insert(file->table(0), as_bytes("k"), as_bytes("1")));
    EXPECT_FALSE(*txn.insert(file->table(0), as_bytes("k"), as_bytes("2")));
    EXPECT_TRUE(*txn.erase(file->table(0), as_bytes("k")));
    EXPECT_FALSE(*txn.erase(file->table(0), as_bytes("k")));
    EXPECT_TRUE(*txn.insert(file->table(0), as_bytes("k"), as_bytes("3")));
    return {};
  });
  ASSERT_TRUE(written) << why(written);
  EXPECT_EQ(get_one(*file, "k"), "3");
}

TEST(Lmdb, AReaderKeepsItsViewUntilRenewed) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  read_transaction reader(*file);
  ASSERT_TRUE(reader.renew());
  std::thread([&] { ASSERT_TRUE(put_one(*file, "k", "v")); }).join();
  EXPECT_FALSE((*reader.get(file->table(0), as_bytes("k"))).has_value());
  ASSERT_TRUE(reader.renew());
  EXPECT_TRUE((*reader.get(file->table(0), as_bytes("k"))).has_value());
}

TEST(Lmdb, ClosesItsFilesOnExec) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  int seen = 0;
  for (const auto& link : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(link.path(), error).string();
    if (target.rfind(folder.path() + "/", 0) != 0) continue;
    ++seen;
    EXPECT_TRUE(::fcntl(std::stoi(link.path().filename()), F_GETFD) & FD_CLOEXEC) << target;
  }
  EXPECT_GE(seen, 2);
}

TEST(Lmdb, AFullMapFailsWholeAndALargerOneGoesOn) {
  temporary_folder folder;
  auto file = made_at(folder.path(), 1 << 20);
  ASSERT_TRUE(put_one(*file, "before", "1"));
  auto written = file->write([&](write_transaction& txn) -> result<void> {
    for (int i = 0; i < 2000; ++i)
      if (auto put =
              txn.put(file->table(0), as_bytes(key_number(i)), as_bytes(std::string(1500, 'x')));
          !put)
        return put;
    return {};
  });
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, errc::io);
  EXPECT_THAT(written.error().message, HasSubstr(folder.path() + "/data.mdb"));
  EXPECT_THAT(written.error().message, HasSubstr("larger map"));
  EXPECT_EQ(get_one(*file, key_number(0)), std::nullopt);
  EXPECT_EQ(get_one(*file, "before"), "1");
  file.reset();
  auto again = environment::open(options_at(folder.path(), 16 << 20));
  ASSERT_TRUE(again) << why(again);
  EXPECT_TRUE(put_one(**again, "after", "2"));
  EXPECT_EQ(get_one(**again, "before"), "1");
}

TEST(Lmdb, AFullDiskEndsWritingUntilItIsOpenedAgain) {
  temporary_folder folder;
  {
    auto file = made_at(folder.path());
    ASSERT_TRUE(put_one(*file, "before", "1"));
  }
  const int code = in_child([&] {
    limit_file_size(256 << 10);
    auto opened = environment::open(options_at(folder.path()));
    if (!opened) return 1;
    environment& file = **opened;
    auto large = put_one(file, "large", std::string(1 << 20, 'x'));
    if (large || large.error().code != errc::io) return 2;
    if (large.error().message.find("free space") == std::string::npos) return 3;
    auto small = put_one(file, "small", "x");
    if (small || small.error().code != errc::io) return 4;
    if (small.error().message.find("earlier failure") == std::string::npos) return 5;
    return get_one(file, "before") == "1" ? 0 : 6;
  });
  EXPECT_EQ(code, 0);
  auto again = environment::open(options_at(folder.path()));
  ASSERT_TRUE(again) << why(again);
  EXPECT_TRUE(put_one(**again, "large", std::string(1 << 20, 'x')));
  EXPECT_EQ(get_one(**again, "before"), "1");
}

TEST(Lmdb, SaysWhatIsWrongWithTheDataFile) {
  temporary_folder folder;
  {
    auto file = made_at(folder.path());
    fill_richly(*file);
  }
  const std::string name = folder / "data.mdb";
  const std::string good = slurp(name);
  const std::pair<std::string, const char*> cases[] = {
      {"", "empty"},
      {"hello", "cut short"},
      {std::string(20000, 'x'), "not an LMDB file"},
      {good.substr(0, good.size() / 2), "cut short"},
      {good.substr(0, 4096), "cut short"},
  };
  for (const auto& [content, expected] : cases) {
    spill(name, content);
    auto opened = environment::open(options_at(folder.path()));
    ASSERT_FALSE(opened) << expected;
    EXPECT_EQ(opened.error().code, errc::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(expected));
    EXPECT_THAT(opened.error().message, HasSubstr(name));
  }
  std::filesystem::remove(name);
  auto missing = environment::open(options_at(folder.path()));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::corrupt);
  EXPECT_THAT(missing.error().message, HasSubstr("missing"));
  EXPECT_FALSE(std::filesystem::exists(name));
}

TEST(Lmdb, LacksATable) {
  temporary_folder folder;
  made_at(folder.path());
  auto opened = environment::open({folder.path(), {"one", "two", "three"}, small_map});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("`three`"));
}

TEST(Lmdb, FindsASoundStructureSound) {
  temporary_folder folder;
  auto file = made_at(folder.path());
  EXPECT_TRUE(file->check_structure());
  fill_richly(*file);
  auto checked = file->check_structure();
  EXPECT_TRUE(checked) << why(checked);
  auto stats = file->stats();
  ASSERT_TRUE(stats) << why(stats);
  EXPECT_EQ(stats->tables[0].entries, 6000);
  EXPECT_EQ(stats->tables[1].entries, 1);
  EXPECT_GT(stats->free_bytes, 0);
  EXPECT_GE(stats->file_bytes, stats->used_bytes);
}

TEST(Lmdb, StaysSoundThroughRandomWrites) {
  const unsigned seed = 20240607;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  temporary_folder folder;
  auto file = made_at(folder.path());
  std::map<std::string, std::string> oracle;
  for (int round = 0; round < 60; ++round) {
    auto written = file->write([&](write_transaction& txn) -> result<void> {
      for (int i = 0; i < 200; ++i) {
        const std::string key = key_number(static_cast<int>(random() % 3000));
        if (random() % 3 == 0) {
          auto gone = txn.erase(file->table(0), as_bytes(key));
          if (!gone) return gone.error();
          EXPECT_EQ(*gone, oracle.erase(key) == 1);
        } else {
          const std::string value(random() % 40 == 0 ? random() % 30000 : random() % 900, 'v');
          oracle[key] = value;
          if (auto put = txn.put(file->table(0), as_bytes(key), as_bytes(value)); !put) return put;
        }
      }
      return {};
    });
    ASSERT_TRUE(written) << why(written);
    auto checked = file->check_structure();
    ASSERT_TRUE(checked) << why(checked);
    if (round % 20 == 19) {
      file.reset();
      auto again = environment::open(options_at(folder.path()));
      ASSERT_TRUE(again) << why(again);
      file = std::move(*again);
    }
  }
  std::map<std::string, std::string> stored;
  ASSERT_TRUE(file->read([&](const read_transaction& txn) {
    return txn.scan(file->table(0), {}, {}, [&](const entry& e) -> result<bool> {
      stored[std::string(as_text(e.key))] = as_text(e.value);
      return true;
    });
  }));
  EXPECT_EQ(stored, oracle);
}

/// Opens, checks and reads everything; true if all of it went without an error.
bool reads_whole(const std::string& directory) {
  auto opened = environment::open(options_at(directory));
  if (!opened) return false;
  if (!(*opened)->check_structure()) return false;
  return bool((*opened)->read([&](const read_transaction& txn) {
    return txn.scan((*opened)->table(0), {}, {}, [](const entry&) -> result<bool> { return true; });
  }));
}

TEST(Lmdb, ReportsEveryZeroedOrMisplacedPageInUse) {
  temporary_folder folder;
  std::uint64_t free_pages = 0;
  {
    auto file = made_at(folder.path());
    ASSERT_TRUE(file->write([&](write_transaction& txn) -> result<void> {
      for (int i = 0; i < 3000; ++i)
        if (auto put = txn.put(file->table(0), as_bytes(key_number(i)), as_bytes("some value"));
            !put)
          return put;
      return {};
    }));
    free_pages = file->stats()->free_bytes / 4096;
  }
  const std::string name = folder / "data.mdb";
  const std::string good = slurp(name);
  const std::size_t pages = good.size() / 4096;
  ASSERT_TRUE(reads_whole(folder.path()));
  for (const bool zero : {true, false}) {
    std::size_t reported = 0;
    for (std::size_t page = 0; page < pages; ++page) {
      std::string bad = good;
      const std::size_t other = (page + 1) % pages;
      bad.replace(page * 4096, 4096,
                  zero ? std::string(4096, '\0') : good.substr(other * 4096, 4096));
      spill(name, bad);
      const int code = in_child([&] { return reads_whole(folder.path()) ? 0 : 1; });
      ASSERT_LE(code, 1) << "page " << page;
      reported += static_cast<std::size_t>(code);
    }
    EXPECT_EQ(reported, pages - free_pages);
  }
}

TEST(Lmdb, NeitherOpenNorReadDiesOfFlippedBits) {
  temporary_folder folder;
  {
    auto file = made_at(folder.path());
    fill_richly(*file);
  }
  const std::string name = folder / "data.mdb";
  const std::string good = slurp(name);
  const unsigned seed = 11;
  std::mt19937 random(seed);
  for (int i = 0; i < 150; ++i) {
    std::string bad = good;
    for (int flips = 1 + static_cast<int>(random() % 8); flips > 0; --flips) {
      // Half of them where structure is: the meta pages and the heads of pages.
      const std::size_t page = random() % (i % 3 == 0 ? 2 : good.size() / 4096);
      const std::size_t at = page * 4096 + random() % (i % 2 == 0 ? 160 : 4096);
      bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
    }
    spill(name, bad);
    const int code = in_child([&] { return reads_whole(folder.path()) ? 0 : 1; });
    ASSERT_LE(code, 1) << "seed " << seed << ", case " << i;
  }
}

// With another number LMDB would take the older of its two snapshots, which is sound. One that says
// two less than the newest is what a refused commit leaves: only the rollback guard may know
// better.
TEST(Lmdb, AChangedTransactionNumberIsFound) {
  for (int commits = 0; commits < 4; ++commits) {
    temporary_folder folder;
    {
      auto file = made_at(folder.path());
      for (int i = 0; i <= commits; ++i) ASSERT_TRUE(put_one(*file, key_number(i), "value"));
    }
    const std::string name = folder / "data.mdb";
    const std::string good = slurp(name);
    for (const std::size_t page : {0, 1}) {
      for (std::size_t bit = 0; bit < 64; ++bit) {
        std::string bad = good;
        char& byte = bad[page * 4096 + 144 + bit / 8];
        const char before = byte;
        byte = static_cast<char>(byte ^ (1 << bit % 8));
        const bool newest = good[144] < good[4096 + 144] ? page == 1 : page == 0;
        if (newest && bit < 8 && byte == before - 2) continue;
        spill(name, bad);
        EXPECT_FALSE(environment::open(options_at(folder.path())))
            << "page " << page << ", bit " << bit << " after " << commits + 1 << " commits";
      }
    }
  }
}

/// Takes everything out again, a few at a time, each in a commit of its own.
bool empties(environment& file, int entries) {
  for (int i = 0; i < entries;) {
    auto written = file.write([&](write_transaction& txn) -> result<void> {
      for (int n = 0; n < 40 && i < entries; ++n, ++i)
        if (auto gone = txn.erase(file.table(0), as_bytes(key_number(i))); !gone)
          return gone.error();
      return {};
    });
    if (!written || !file.check_structure()) return false;
  }
  return true;
}

/// Whether a scan sees the keys there should be: what checks sums of all entries finds it
/// otherwise.
bool has_keys(environment& file, int entries) {
  int next = 0;
  auto read = file.read([&](const read_transaction& txn) {
    return txn.scan(file.table(0), {}, {}, [&](const entry& e) -> result<bool> {
      return as_text(e.key) == key_number(next++);
    });
  });
  return read && next == entries;
}

TEST(Lmdb, AChangedBitOfItsStructureIsFoundOrDoesNoHarm) {
  constexpr int entries = 200;
  temporary_folder folder;
  {
    auto file = made_at(folder.path());
    for (int i = 0; i < entries; ++i) {
      const std::string value(i % 50 == 0 ? 5000 : 60 + i % 40, 'v');
      if (i % 20 == 0) {
        ASSERT_TRUE(put_one(*file, key_number(i), "to be replaced"));
      }
      ASSERT_TRUE(put_one(*file, key_number(i), value));
    }
  }
  const std::string name = folder / "data.mdb";
  const std::string good = slurp(name);
  std::vector<std::pair<std::size_t, std::size_t>> parts{{0, 136}, {4096, 136}};  // from, bytes
  for (std::size_t begin = 8192; begin < good.size(); begin += 4096) {
    const auto number = [&](std::size_t at) {
      return byte_reader(as_bytes(good).subspan(begin + at)).number<std::uint16_t>();
    };
    if (number(10) != 1 && number(10) != 2) continue;
    parts.emplace_back(begin, number(12));
    for (std::size_t at = 16; at < number(12); at += 2) parts.emplace_back(begin + number(at), 8);
  }
  int changed = 0, harmless = 0;
  for (const auto& [from, count] : parts) {
    for (std::size_t bit = changed % 97; bit < count * 8; bit += 97) {
      std::string bad = good;
      char& byte = bad[from + bit / 8];
      byte = static_cast<char>(byte ^ (1 << bit % 8));
      spill(name, bad);
      const int code = in_child([&] {
        auto opened = environment::open(options_at(folder.path()));
        if (!opened || !has_keys(**opened, entries)) return 1;
        for (int i = 0; i < entries; ++i)
          if (!get_one(**opened, key_number(i))) return 2;
        return empties(**opened, entries) ? 0 : 3;
      });
      ASSERT_LE(code, 1) << "bit " << bit << " from byte " << from;
      ++changed;
      harmless += code == 0;
    }
  }
  EXPECT_GT(changed, 150);
  EXPECT_GT(changed - harmless, 30);  // the pages that are free now are changed, too
}

// Lookups go by the keys of branch pages, which a scan of all entries never compares.
TEST(Lmdb, AChangedSeparatorIsFoundOrHidesNothing) {
  constexpr int entries = 6000;
  temporary_folder folder;
  {
    auto file = made_at(folder.path());
    fill_richly(*file);
  }
  const std::string name = folder / "data.mdb";
  const std::string good = slurp(name);
  const auto number = [&](std::size_t at) {
    return byte_reader(as_bytes(good).subspan(at)).number<std::uint16_t>();
  };
  int changed = 0, found = 0;
  for (std::size_t page = 2; page < good.size() / 4096; ++page) {
    const std::size_t begin = page * 4096;
    if (number(begin + 10) != 1) continue;
    for (std::size_t node = 0; node < (number(begin + 12) - 16U) / 2; ++node) {
      const std::size_t at = begin + number(begin + 16 + 2 * node);
      const std::size_t bits = number(at + 6) * 8U;
      for (std::size_t bit = node % 41; bit < bits; bit += 41) {
        std::string bad = good;
        char& byte = bad[at + 8 + bit / 8];
        byte = static_cast<char>(byte ^ (1 << bit % 8));
        spill(name, bad);
        ++changed;
        auto opened = environment::open(options_at(folder.path()));
        found += !opened;
        if (!opened) continue;
        for (int i = 0; i < entries; i += 7)
          ASSERT_TRUE(get_one(**opened, key_number(i)))
              << "page " << page << ", node " << node << ", bit " << bit << ", key " << i;
      }
    }
  }
  EXPECT_GT(changed, 100);
  EXPECT_GT(found, 10);
}

TEST(Lmdb, TurnsItsAssertionsIntoErrors) {
  temporary_folder folder;
  std::uint64_t entries = 0;
  {
    auto file = made_at(folder.path());
    fill_richly(*file);
    entries = file->stats()->tables[0].entries;
  }
  const std::string name = folder / "data.mdb";
  const int code = in_child([&] {
    auto opened = environment::open(options_at(folder.path()));
    if (!opened) return 1;
    environment& file = **opened;
    // Spoil every leaf page of the first table, after the look that opening takes.
    const std::string good = slurp(name);
    std::fstream bad(name, std::ios::in | std::ios::out | std::ios::binary);
    for (std::size_t page = 2; page < good.size() / 4096; ++page)
      if (good[page * 4096 + 10] == 2 &&
          good.substr(page * 4096, 4096).find("cccccccc") != std::string::npos)
        bad.seekp(static_cast<std::streamoff>(page * 4096 + 10)).write("\0\0", 2);
    bad.flush();
    auto read = file.read([&](const read_transaction& txn) {
      return txn.get(file.table(0), as_bytes(key_number(100))) ? result<void>{}
                                                               : failure{errc::corrupt, ""};
    });
    if (read || read.error().code != errc::corrupt) return 2;
    auto written = put_one(file, key_number(100), "x");
    if (written || written.error().code != errc::corrupt) return 3;
    auto again = put_one(file, key_number(101), "x");
    return !again && again.error().code == errc::io ? 0 : 4;
  });
  EXPECT_EQ(code, 0) << entries;
}

}  // namespace
}  // namespace windrow::storage::lmdb
