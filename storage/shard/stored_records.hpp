#pragma once

#include <bitset>

#include "storage/shard/shard_core.hpp"
#include "storage/shard/shard_store.hpp"

namespace windrow::storage {

/// The records of a shard's LMDB file, as its core reads them. One user at a time, any thread.
///
/// The first time a stripe is read, all of it is, and compared with what was committed: what is
/// missing afterwards never was there. That costs as long as reading the stripe.
class stored_records final : public record_reader {
public:
  explicit stored_records(shard_store& store) : store_(store), reader_(store) {}

  result<void> refresh() override;
  void release() override;
  result<bool> get(const storage_key& key, std::vector<std::uint8_t>& value) override;
  result<void> scan(
      const storage_key& first, const storage_key& end,
      const std::function<bool(const storage_key&, std::span<const std::uint8_t>)>& visit) override;
  std::size_t stored_bytes() override;

private:
  result<void> check(std::uint16_t stripe);

  shard_store& store_;
  shard_store::reader reader_;
  std::bitset<stripe_count> checked_;
  int groups_ = 0;
};

}  // namespace windrow::storage
