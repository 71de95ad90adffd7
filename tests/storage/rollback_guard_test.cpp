#include "storage/folder/rollback_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/folder/folder.hpp"
#include "storage/journal/journal.hpp"
#include "storage/lmdb/pages.hpp"
#include "tests/storage/temporary_folder.hpp"

namespace windrow::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::slurp;
using testing::spill;
using testing::temporary_folder;
using testing::why;

/// A folder of two shards, and sessions that a node would have on it.
class Versions : public ::testing::Test {
protected:
  void SetUp() override {
    folder::create_options o;
    o.path = path_;
    o.shard_count = 2;
    o.catalog = {1, 2, 3};
    o.map_bytes = 16 << 20;
    o.dedup_index = true;
    auto made = folder::create(o);
    ASSERT_TRUE(made) << why(made);
  }

  result<folder> open() { return folder::open(path_, {{}, {}, 16 << 20}); }

  /// Opens everything for writing, and closes it as a node does or leaves as if killed.
  void session(bool closed) {
    auto opened = open();
    ASSERT_TRUE(opened) << why(opened);
    auto log = journal::open(
        {opened->journal_directory(), opened->journal_identity(), opened->map_bytes()});
    auto store = shard_store::open(opened->shard_options(1));
    auto seen = dedup_index::open(opened->dedup_options());
    ASSERT_TRUE(log && store && seen);
    ASSERT_TRUE((*log)->begin_session() && (*store)->begin_session() && (*seen)->begin_session());
    ASSERT_TRUE(note_versions(path_));
    const push one{"stream:s", 1, "{}\n"};
    ASSERT_TRUE((*log)->pushes().append(one));
    if (closed) {
      ASSERT_TRUE(note_versions(path_));
    }
  }

  std::string file(const std::string& name) { return path_ + "/" + name + "/data.mdb"; }

  void expect_older(const std::string& name) {
    auto opened = open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, errc::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(file(name)));
    EXPECT_THAT(opened.error().message, HasSubstr("older copy"));
  }

  temporary_folder parent_;
  std::string path_ = parent_ / "data";
};

TEST_F(Versions, KnowAnOlderCopyOfEachFile) {
  session(true);
  for (const std::string name : {"journal", "shards/001", "dedup"}) {
    const std::string before = slurp(file(name));
    session(true);
    const std::string newest = slurp(file(name));
    spill(file(name), before);
    expect_older(name);
    spill(file(name), newest);
    EXPECT_TRUE(open());
  }
}

TEST_F(Versions, KnowACopyFromBeforeASessionThatWasKilled) {
  session(true);
  const std::string before = slurp(file("journal"));
  session(false);
  spill(file("journal"), before);
  expect_older("journal");
}

TEST_F(Versions, KnowACopyFromWithinASessionOnceItHasClosed) {
  session(false);
  const std::string during = slurp(file("journal"));
  session(true);
  spill(file("journal"), during);
  expect_older("journal");
}

TEST_F(Versions, LetAWholeFolderBePutBack) {
  session(true);
  fs::copy(path_, parent_ / "copy", fs::copy_options::recursive);
  session(true);
  fs::remove_all(path_);
  fs::rename(parent_ / "copy", path_);
  EXPECT_TRUE(open());
}

TEST_F(Versions, AreDamagedOrMissingLikeAnyFile) {
  session(true);
  const std::string noted = slurp(path_ + "/versions");
  testing::flip_bit(path_ + "/versions", noted.size() / 2);
  auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  fs::remove(path_ + "/versions");
  EXPECT_TRUE(open());
}

TEST_F(Versions, SayThatAFileIsMissing) {
  session(true);
  fs::remove(file("shards/001"));
  auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("missing"));
}

}  // namespace
}  // namespace windrow::storage
