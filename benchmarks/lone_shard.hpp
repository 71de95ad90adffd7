#pragma once

#include <memory>
#include <string>
#include <vector>

#include "benchmarks/declarations.hpp"
#include "storage/shard/shard_core.hpp"
#include "storage/shard/shard_store.hpp"
#include "storage/shard/stored_records.hpp"

namespace windrow::bench {

/// One shard with its file and without actors: what happens inside can be timed call by call.
class lone_shard {
public:
  /// In an existing, empty folder.
  static result<std::unique_ptr<lone_shard>> make(const declared& features,
                                                  const std::string& folder, std::size_t memory);

  const schema::plan_ptr& plan() const noexcept { return plan_; }
  storage::shard_core& core() noexcept { return *core_; }
  storage::shard_store& store() noexcept { return *store_; }
  static constexpr std::uint64_t folder_seed = 1234567;

  /// One route's rows from nothing: key hashes and keys of users.
  storage::section section_of(std::uint32_t first_user, std::uint32_t end_user) const;
  storage::lookup_request request(std::uint32_t user, const std::string& feature,
                                  std::int64_t now) const;

private:
  schema::plan_ptr plan_;
  std::unique_ptr<storage::shard_store> store_;
  std::unique_ptr<storage::stored_records> source_;
  std::unique_ptr<storage::shard_core> core_;
};

}  // namespace windrow::bench
