#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/journal/journal.hpp"
#include "tests/storage/temporary_folder.hpp"

namespace windrow::storage::testing {

/// A journal in a directory of its own that can be closed and opened again.
class journal_at {
public:
  journal_at() {
    o_.directory = folder_.path();
    o_.identity.kind = store_kind::journal;
    o_.map_bytes = 64 << 20;
    auto made = journal::create(o_);
    EXPECT_TRUE(made) << why(made);
    reopen();
  }
  void reopen() {
    close();
    auto opened = journal::open(o_);
    ASSERT_TRUE(opened) << why(opened);
    journal_ = std::move(*opened);
  }
  void close() { journal_.reset(); }
  journal* operator->() { return journal_.get(); }
  journal::options& options() { return o_; }
  std::string data_file() const { return folder_ / "data.mdb"; }

private:
  temporary_folder folder_;
  journal::options o_;
  std::unique_ptr<journal> journal_;
};

inline dead_letter letter(sequence at, const std::string& reason = "bad_json",
                          partition_id partition = 1) {
  const std::string bytes = "{oops " + std::to_string(at);
  return {partition,
          at,
          "clicks",
          "parse",
          reason,
          "It does not parse.",
          1'000'000 + std::int64_t(at),
          bytes,
          bytes.size()};
}

}  // namespace windrow::storage::testing
