#include "storage/shard/record_loader.hpp"

#include <algorithm>
#include <bit>

namespace windrow::storage {

void record_loader::recover(std::uint32_t stripe) noexcept {
  stripes_[stripe].complete = false;
  ++incomplete_;
}

// What was stored in another layout is written again with the stripe's next checkpoint.
void record_loader::take_in(const key_hash& hash, const decoded_head& read) {
  parts_.table.insert(hash.hi, read.r);
  if (read.translated) parts_.changes.touch(hash.hi, read.r);
}

result<void> record_loader::load_stripe(std::uint32_t stripe) {
  auto loaded = parts_.cold.scan(stripe, [&](const key_hash& hash, const decoded_head& read) {
    if (parts_.table.find(hash, read.r->space, parts_.pool.key(*read.r)))
      parts_.pool.destroy(read.r);
    else
      take_in(hash, read);
  });
  if (!loaded) return loaded;
  stripes_[stripe] = {.complete = true, .filtered = false};
  --incomplete_;
  return {};
}

void record_loader::filter_what_is_in_memory(std::uint32_t stripe) {
  for (const record_table::slot& at : parts_.table.slots(stripe)) {
    if (at.r) filter_.add(at.hi);
  }
}

// Adds the stripe's stored keys to the filter, where that takes about a millisecond.
result<void> record_loader::fill_filter(std::uint32_t stripe) {
  constexpr std::size_t stripe_bytes_max = 1 << 20;
  if (!filter_ || stored_bytes_ / stripe_count > stripe_bytes_max) return {};
  auto scanned = parts_.source.scan(first_key_of(stripe), end_key_of(stripe),
                                    [&](const storage_key& key, std::span<const std::uint8_t>) {
                                      const record_name name = read_record_key(key);
                                      if (name.segment == 0) filter_.add(name.hash.hi);
                                      return true;
                                    });
  if (!scanned) return scanned;
  // What is in memory may be stored later.
  filter_what_is_in_memory(stripe);
  stripes_[stripe].filtered = true;
  return {};
}

bool record_loader::known_absent(const key_hash& hash) const noexcept {
  const stored_keys& st = stripes_[stripe_of(hash.hi)];
  if (st.complete || (st.filtered && !filter_.may_hold(hash.hi))) return true;
  return std::binary_search(absent_.begin(), absent_.end(), hash);
}

// Reads in key order; notes what is not stored.
result<void> record_loader::load_all(std::span<const key_hash> sorted) {
  for (const key_hash& hash : sorted) {
    auto read = parts_.cold.read(hash);
    if (!read) return read.error();
    if (read->r)
      take_in(hash, *read);
    else
      absent_.push_back(hash);
  }
  return {};
}

result<void> record_loader::load_missing(const batch& b, const shard_progress& progress) {
  // Small state comes back a stripe at a time: one range read instead of thousands of lookups.
  if (batches_++ % 4096 == 0) stored_bytes_ = parts_.source.stored_bytes();
  const bool whole = stored_bytes_ * 4 < memory_budget_;
  const bool again = progress.replaying(b);
  constexpr std::size_t ahead = 16;
  missing_.clear();
  absent_.clear();
  for (const section& s : b.sections) {
    for (std::size_t row = 0; row < s.rows(); ++row) {
      if (row + ahead < s.rows()) parts_.table.prefetch(s.hashes[row + ahead].hi);
      const key_hash& hash = s.hashes[row];
      const std::uint32_t stripe = stripe_of(hash.hi);
      if (stripes_[stripe].complete || parts_.table.likely(hash.hi) ||
          (again && progress.already_applied(b, s, row)))
        continue;
      if (whole) {
        if (auto loaded = load_stripe(stripe); !loaded) return loaded;
        continue;
      }
      if (!stripes_[stripe].filtered) {
        if (auto filled = fill_filter(stripe); !filled) return filled;
      }
      if (!known_absent(hash)) missing_.push_back(hash);
    }
  }
  std::sort(missing_.begin(), missing_.end());
  missing_.erase(std::unique(missing_.begin(), missing_.end()), missing_.end());
  return load_all(missing_);
}

result<record_table::slot*> record_loader::read_or_make(const key_hash& hash, int key_space,
                                                        std::string_view key) {
  // `load_missing` takes half of a hash for the key; here is the rare one that it was not.
  if (!known_absent(hash)) {
    if (auto loaded = load_all({&hash, 1}); !loaded) return loaded.error();
    if (record_table::slot* at = parts_.table.find(hash, key_space, key)) return at;
  }
  if (stripes_[stripe_of(hash.hi)].filtered) filter_.add(hash.hi);
  return parts_.table.insert(hash.hi, parts_.pool.create(key_space, key, hash.lo));
}

void record_loader::leave_complete(std::uint32_t stripe) {
  if (!stripes_[stripe].complete) return;
  stripes_[stripe].complete = false;
  ++incomplete_;
  if (!filter_) {
    filter_.allocate(parts_.memory, std::bit_floor(std::clamp<std::size_t>(memory_budget_ / 32,
                                                                           16 << 10, 64 << 20)));
  }
  filter_what_is_in_memory(stripe);
  stripes_[stripe].filtered = true;
}

}  // namespace windrow::storage
