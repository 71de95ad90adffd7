#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "sources/file_driver.hpp"
#include "tests/support/card_declarations.hpp"

namespace windrow::node {
namespace {

using test::temporary_folder;

// After a seek the reader that it replaces may still be at work.
TEST(JournalArrivals, TwoReadersOfOnePartitionAgree) {
  temporary_folder folder;
  const storage::journal::options options{.directory = folder.path(), .identity = {}};
  ASSERT_TRUE(storage::journal::create(options));
  auto journal = storage::journal::open(options);
  ASSERT_TRUE(journal);
  const auto file =
      (*journal)->partitions().register_partition(storage::partition_kind::file, "a", "");
  ASSERT_TRUE(file);
  std::atomic<std::int64_t> now{0};
  const sources::driver_context context{
      **journal, folder.path(),         false,
      nullptr,   [&] { return ++now; }, [](const failure& why) { ADD_FAILURE() << why.message; },
      nullptr};
  const auto read = [&](storage::sequence step) {
    sources::journal_arrivals notes(context);
    for (storage::sequence at = 0; at < 3'000;) {
      const auto noted = notes.note(file->id, at, at + step);
      ASSERT_TRUE(noted) << noted.error().message;
      at = noted->to;
    }
  };
  std::thread other(read, 3);
  read(2);
  other.join();
}

}  // namespace
}  // namespace windrow::node
