#include "storage/shard/stored_records.hpp"

#include "base/fault_injection.hpp"

namespace windrow::storage {

// Only the outermost group moves the view: a scan under way must not lose its transaction. What a
// nested group reads was committed before the outer one began, or is in memory.
result<void> stored_records::refresh() {
  if (groups_++ > 0) return {};
  return reader_.renew();
}

void stored_records::release() {
  if (--groups_ == 0) reader_.release();
}

result<void> stored_records::check(std::uint16_t stripe) {
  if (checked_[stripe] || fault_injected(failpoint::checksum_skipped)) return {};
  auto sound = reader_.check_stripe(stripe);
  checked_[stripe] = sound.ok();
  return sound;
}

result<bool> stored_records::get(const storage_key& key, std::vector<std::uint8_t>& value) {
  if (auto sound = check(stripe_of(key)); !sound) return sound.error();
  return reader_.get(key, value);
}

result<void> stored_records::scan(
    const storage_key& first, const storage_key& end,
    const std::function<bool(const storage_key&, std::span<const std::uint8_t>)>& visit) {
  for (std::uint16_t stripe = stripe_of(first); stripe < stripe_count && first_key_of(stripe) < end;
       ++stripe) {
    if (auto sound = check(stripe); !sound) return sound;
  }
  return reader_.scan(first, end, [&](const record_key& key, bytes value) -> result<bool> {
    return visit(key, value);
  });
}

std::size_t stored_records::stored_bytes() {
  auto stats = store_.stats();
  return stats ? stats->used_bytes - stats->free_bytes : 0;
}

}  // namespace windrow::storage
