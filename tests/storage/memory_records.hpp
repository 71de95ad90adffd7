#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/shard/shard_core.hpp"

namespace windrow::storage::testing {

/// Storage of one shard that holds exactly what was committed.
class memory_records : public record_reader {
public:
  result<void> refresh() override {
    ++groups_;
    return {};
  }
  void release() override { --groups_; }
  result<bool> get(const storage_key& key, std::vector<std::uint8_t>& value) override {
    EXPECT_GT(groups_, 0) << "read outside a group";
    ++reads_;
    const auto at = records_.find(key);
    if (at == records_.end()) return false;
    value.assign(at->second.begin(), at->second.end());
    return true;
  }
  result<void> scan(const storage_key& first, const storage_key& end,
                    const std::function<bool(const storage_key&, std::span<const std::uint8_t>)>&
                        visit) override {
    EXPECT_GT(groups_, 0) << "read outside a group";
    for (auto at = records_.lower_bound(first); at != records_.end() && at->first < end; ++at) {
      if (!visit(at->first, bytes_of(at->second))) break;
    }
    return {};
  }
  std::size_t stored_bytes() override {
    std::size_t bytes = 0;
    for (const auto& [key, value] : records_) bytes += key.size() + value.size();
    return bytes;
  }

  /// What the writer thread does with a sealed write: all of it, or (not called) nothing.
  void commit(const stripe_write& write) {
    for (const stripe_write::entry& e : write.entries) {
      if (e.size == 0)
        records_.erase(e.key);
      else
        records_[e.key] = write.bytes.substr(e.offset, e.size);
    }
    for (std::size_t i = 0; i < write.stripes.size(); ++i) {
      stored_.stripes[write.first_stripe + static_cast<std::uint32_t>(i)] = write.stripes[i];
    }
    for (const auto& [number, definition] : write.layouts) {
      const auto [at, fresh] = stored_.layouts.emplace(number, definition);
      EXPECT_TRUE(fresh || at->second == definition) << "a layout's number has another meaning";
    }
  }

  std::map<storage_key, std::string>& records() noexcept { return records_; }
  /// What there is besides the records.
  stored_shard& besides() noexcept { return stored_; }
  std::size_t reads() const noexcept { return reads_; }

  static std::span<const std::uint8_t> bytes_of(const std::string& s) {
    return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
  }

private:
  std::map<storage_key, std::string> records_;
  stored_shard stored_;
  int groups_ = 0;
  std::size_t reads_ = 0;
};

/// One complete checkpoint cycle; what is written is committed at once.
inline void checkpoint(shard_core& core, memory_records& records, std::uint64_t folder_seed) {
  core.begin_cycle();
  while (core.cycle_active()) {
    auto write = core.next_write(64 * 1024);
    ASSERT_NE(write, nullptr) << "a stripe still has a write under way";
    write->seal(folder_seed);
    records.commit(*write);
    core.committed(*write);
  }
}

}  // namespace windrow::storage::testing
