// LMDB's page structure, read before the file is mapped: whatever the file holds, it is reported.
// The file lies in the working folder.
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "storage/lmdb/pages.hpp"
#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow::storage;
  using windrow::fuzz::require;
  static const std::string name = "pages_fuzz-" + std::to_string(getpid()) + ".mdb";
  static const int file = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  static const int at_end = std::atexit([] { unlink(name.c_str()); });
  require(file >= 0 && at_end == 0, "the file is made");
  require(ftruncate(file, 0) == 0, "the file is emptied");
  require(pwrite(file, data, size, 0) == static_cast<ssize_t>(size), "the file is written");
  const auto report = lmdb::check_pages(name);
  if (!report) {
    require(!report.error().message.empty(), "a report says what was found");
    return 0;
  }
  const auto newest = lmdb::newest_transaction(name);
  require(newest.ok() && *newest == report->transaction, "both look at the same state");
  require(report->pages_checked * report->page_bytes <= size + 2 * report->page_bytes,
          "no page is counted twice");
  return 0;
}
