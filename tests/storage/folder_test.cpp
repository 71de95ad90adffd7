#include "storage/folder/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/checksum.hpp"
#include "storage/journal/journal.hpp"
#include "tests/storage/temporary_folder.hpp"

namespace windrow::storage {
namespace {

namespace fs = std::filesystem;
using testing::flip_bit;
using ::testing::HasSubstr;
using testing::in_child;
using testing::limit_file_size;
using testing::slurp;
using testing::spill;
using testing::temporary_folder;
using testing::why;

folder::create_options options_at(const std::string& path) {
  folder::create_options o;
  o.path = path;
  o.shard_count = 3;
  o.plan_digest = 0xABCDEF;
  o.catalog = {1, 2, 3, 4, 5};
  o.created = 1'700'000'000'000'000;
  o.map_bytes = 16 << 20;
  return o;
}

void make(const std::string& path) {
  auto made = folder::create(options_at(path));
  ASSERT_TRUE(made) << why(made);
}

result<folder> open(const std::string& path) { return folder::open(path, {{}, {}, 16 << 20}); }

TEST(Folder, IsTheSameWhenOpenedAgain) {
  temporary_folder parent;
  const std::string path = parent / "a/b/data";
  node_meta made_meta;
  {
    auto made = folder::create(options_at(path));
    ASSERT_TRUE(made) << why(made);
    EXPECT_TRUE(made->created());
    made_meta = made->meta();
  }
  auto opened = open(path + "/");
  ASSERT_TRUE(opened) << why(opened);
  EXPECT_FALSE(opened->created());
  EXPECT_EQ(opened->path(), path);
  EXPECT_EQ(opened->meta(), made_meta);
  EXPECT_EQ(opened->meta().shard_count, 3);
  EXPECT_EQ(opened->meta().plan_digest, 0xABCDEF);
  EXPECT_EQ(opened->meta().created, 1'700'000'000'000'000);
  EXPECT_EQ(opened->catalog(), (byte_buffer{1, 2, 3, 4, 5}));
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    auto store = shard_store::open(opened->shard_options(shard));
    EXPECT_TRUE(store) << why(store);
  }
  auto log = journal::open({opened->journal_directory(), opened->journal_identity(), 16 << 20});
  EXPECT_TRUE(log) << why(log);
}

TEST(Folder, HasItsOwnIdAndSeed) {
  temporary_folder parent;
  auto a = folder::create(options_at(parent / "a"));
  auto b = folder::create(options_at(parent / "b"));
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->meta().id, b->meta().id);
  EXPECT_NE(a->meta().hash_seed, b->meta().hash_seed);
}

TEST(Folder, IsForItsOwnerOnly) {
  temporary_folder parent;
  make(parent / "data");
  for (const auto& entry : fs::recursive_directory_iterator(parent / "data")) {
    struct stat info {};
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0) << entry.path();
  }
}

TEST(Folder, NamesTheProcessThatHasIt) {
  temporary_folder parent;
  auto made = folder::create(options_at(parent / "data"));
  ASSERT_TRUE(made) << why(made);
  const std::string pid = std::to_string(::getpid());
  auto second = open(parent / "data");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::busy);
  EXPECT_THAT(second.error().message, HasSubstr("process " + pid));
  EXPECT_THAT(second.error().message, HasSubstr("running windrow node"));
  EXPECT_EQ(folder::create(options_at(parent / "data")).error().code, errc::busy);
}

TEST(Folder, IsRefusedToASecondProcess) {
  temporary_folder parent;
  make(parent / "data");
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto held = open(parent / "data");
    char byte = held ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  auto second = open(parent / "data");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::busy);
  EXPECT_THAT(second.error().message, HasSubstr("process " + std::to_string(child)));
  ASSERT_EQ(::write(done[1], "x", 1), 1);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(open(parent / "data"));
}

TEST(Folder, IsNotThereYet) {
  temporary_folder parent;
  EXPECT_EQ(open(parent / "nowhere").error().code, errc::not_found);
  EXPECT_FALSE(fs::exists(parent / "nowhere"));
  EXPECT_EQ(open(parent.path()).error().code, errc::not_found);
  EXPECT_TRUE(fs::is_empty(parent.path()));
}

TEST(Folder, IsMadeInAnEmptyDirectory) {
  temporary_folder parent;
  fs::create_directory(parent / "lost+found");
  auto made = folder::open_or_create(options_at(parent.path()));
  ASSERT_TRUE(made) << why(made);
  EXPECT_TRUE(made->created());
}

TEST(Folder, LeavesForeignDirectoriesAlone) {
  temporary_folder parent;
  spill(parent / "thesis.txt", "years of work");
  for (auto outcome :
       {open(parent.path()).error(), folder::create(options_at(parent.path())).error(),
        folder::open_or_create(options_at(parent.path())).error()}) {
    EXPECT_EQ(outcome.code, errc::corrupt);
    EXPECT_THAT(outcome.message, HasSubstr("not a windrow data folder"));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(parent.path()), {}), 1);
}

TEST(Folder, TakesNeitherAFileNorAnEmptyPath) {
  temporary_folder parent;
  spill(parent / "thesis.txt", "years of work");
  for (const std::string& path : {parent / "thesis.txt", std::string()}) {
    for (auto outcome : {open(path).error(), folder::open_or_create(options_at(path)).error()}) {
      EXPECT_EQ(outcome.code, errc::invalid) << outcome.message;
      EXPECT_THAT(outcome.message, HasSubstr("--data"));
    }
  }
}

TEST(Folder, SaysBothShardCounts) {
  temporary_folder parent;
  make(parent / "data");
  auto opened = folder::open(parent / "data", {8, {}, 16 << 20});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::mismatch);
  EXPECT_THAT(opened.error().message, HasSubstr("made with 3 shards, not 8"));
  EXPECT_THAT(opened.error().message, HasSubstr("--shards 3"));
}

TEST(Folder, SaysBothDigests) {
  temporary_folder parent;
  make(parent / "data");
  auto o = options_at(parent / "data");
  o.plan_digest = 0x123;
  auto opened = folder::open_or_create(o);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::mismatch);
  EXPECT_THAT(opened.error().message, HasSubstr("0000000000abcdef"));
  EXPECT_THAT(opened.error().message, HasSubstr("0000000000000123"));
}

TEST(Folder, SaysBothFormatVersionsAndWhatToDo) {
  temporary_folder parent;
  make(parent / "data");
  for (const auto& [version, advice] :
       {std::pair(format_version - 1, "read the sources into it again"),
        std::pair(format_version + 1, "A later windrow")}) {
    const std::string other(as_text(seal_file("wndrmeta", version, as_bytes("another time's"))));
    spill(parent / "data/node.meta", other);
    auto opened = open(parent / "data");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, errc::mismatch);
    EXPECT_THAT(opened.error().message, HasSubstr("format version " + std::to_string(version)));
    EXPECT_THAT(opened.error().message,
                HasSubstr("reads version " + std::to_string(format_version)));
    EXPECT_THAT(opened.error().message, HasSubstr(advice));
    EXPECT_EQ(slurp(parent / "data/node.meta"), other) << "it is left as it is";
  }
}

TEST(Folder, NoticesEveryFlippedBitOfItsOwnFiles) {
  temporary_folder parent;
  make(parent / "data");
  for (const char* name : {"data/node.meta", "data/catalog-1.bin"}) {
    const std::string path = parent / name;
    const std::string good = slurp(path);
    for (std::size_t at = 0; at < good.size(); ++at) {
      flip_bit(path, at, static_cast<int>(at % 8));
      auto opened = open(parent / "data");
      ASSERT_FALSE(opened) << name << " byte " << at;
      EXPECT_EQ(opened.error().code, errc::corrupt);
      EXPECT_THAT(opened.error().message, HasSubstr(name));
      spill(path, good);
    }
    for (std::size_t length = 0; length < good.size(); ++length) {
      spill(path, good.substr(0, length));
      EXPECT_EQ(open(parent / "data").error().code, errc::corrupt) << length;
    }
    spill(path, good);
  }
  EXPECT_TRUE(open(parent / "data"));
}

TEST(Folder, RefusesAnotherFoldersCatalog) {
  temporary_folder parent;
  make(parent / "a");
  auto o = options_at(parent / "b");
  o.catalog = {9};
  ASSERT_TRUE(folder::create(o));
  fs::copy_file(parent / "b/catalog-1.bin", parent / "a/catalog-1.bin",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(open(parent / "a").error().code, errc::corrupt);
}

TEST(Folder, MissesALostFile) {
  temporary_folder parent;
  make(parent / "data");
  fs::remove(parent / "data/catalog-1.bin");
  EXPECT_EQ(open(parent / "data").error().code, errc::corrupt);
  fs::remove(parent / "data/node.meta");
  auto opened = open(parent / "data");
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("node.meta"));
  EXPECT_EQ(folder::create(options_at(parent / "data")).error().code, errc::corrupt);
}

TEST(Folder, MissesALostShard) {
  temporary_folder parent;
  make(parent / "data");
  fs::remove_all(parent / "data/shards/001");
  auto opened = open(parent / "data");
  ASSERT_TRUE(opened) << why(opened);
  auto store = shard_store::open(opened->shard_options(1));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, errc::corrupt);
  EXPECT_THAT(store.error().message, HasSubstr("shards/001 is missing"));
}

TEST(Folder, FinishesWhatAFullDiskCutShort) {
  // Every limit cuts the making of the folder at another step.
  int cut = 0;
  for (rlim_t limit = 0; limit <= 49152; limit += 4096) {
    temporary_folder parent;
    const int code = in_child([&] {
      limit_file_size(limit);
      auto made = folder::open_or_create(options_at(parent / "data"));
      if (made) return 0;
      return made.error().code == errc::io ? 1 : 2;
    });
    ASSERT_LE(code, 1) << limit;
    cut += code;
    auto made = folder::open_or_create(options_at(parent / "data"));
    ASSERT_TRUE(made) << why(made);
    EXPECT_EQ(made->created(), code == 1);
    for (std::uint32_t shard = 0; shard < 3; ++shard)
      EXPECT_TRUE(shard_store::open(made->shard_options(shard)));
  }
  EXPECT_GE(cut, 3);
}

TEST(Folder, KnowsFileSystemsItMustNotUse) {
  EXPECT_EQ(unsupported_file_system(0x6969), "NFS");
  EXPECT_EQ(unsupported_file_system(0x65735546), "FUSE");
  EXPECT_EQ(unsupported_file_system(0xFF534D42), "SMB");
  EXPECT_EQ(unsupported_file_system(0xEF53), std::nullopt);      // ext4
  EXPECT_EQ(unsupported_file_system(0x01021994), std::nullopt);  // tmpfs
}

TEST(MetaCodec, NeverThrowsOnDamage) {
  node_meta meta;
  meta.shard_count = 5;
  meta.id.fill(3);
  const byte_buffer good = encode_meta(meta);
  EXPECT_EQ(*decode_meta(good), meta);
  for (std::size_t at = 0; at < good.size() * 8; ++at) {
    byte_buffer bad = good;
    bad[at / 8] ^= static_cast<std::uint8_t>(1 << at % 8);
    (void)decode_meta(bad);
  }
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(decode_meta(bytes(good).first(length))) << length;
}

}  // namespace
}  // namespace windrow::storage
