#include "storage/shard/expiry_sweep.hpp"

#include <algorithm>

#include "base/fault_injection.hpp"

namespace windrow::storage {

namespace {

// In records looked at: in one go, saved up, paid for by one that is written.
constexpr std::int64_t sweep_slice = 4096, sweep_credit_max = 32 * 1024, looks_paid = 2;

}  // namespace

expiry_sweep::expiry_sweep(const parts& p) : parts_(p) {
  for (const schema::tiling& t : p.pool.layouts().plan().tilings) {
    const std::int64_t every = std::max<std::int64_t>(t.retention / 4, 1);
    every_ = every_ == 0 ? every : std::min(every_, every);
  }
}

void expiry_sweep::earn(std::size_t looks) noexcept {
  credit_ = std::min(credit_ + static_cast<std::int64_t>(looks), sweep_credit_max);
}

void expiry_sweep::written(std::size_t records) noexcept {
  earn(static_cast<std::size_t>(looks_paid) * records);
}

result<bool> expiry_sweep::sweep() {
  const std::int64_t max_event_time = parts_.retained.overall_max_event_time();
  if (max_event_time == no_time) return false;
  const std::int64_t until = std::max<std::int64_t>(credit_ - sweep_slice, 0);
  for (std::uint32_t n = 0; n < stripe_count && credit_ > until; ++n) {
    if (!from_ && due(stripe_, max_event_time)) {
      max_event_time_ = max_event_time;
      sweep_memory(stripe_);
      if (parts_.loader.complete(stripe_))
        parts_.progress.set_swept(stripe_, max_event_time);
      else
        from_ = first_key_of(stripe_);
    }
    if (from_) {
      const std::int64_t values_max = std::max<std::int64_t>(credit_ - until, 1);
      if (auto swept = sweep_stored(stripe_, values_max); !swept) return swept.error();
      if (from_) break;
      parts_.progress.set_swept(stripe_, max_event_time_);
    }
    stripe_ = (stripe_ + 1) % stripe_count;
  }
  return credit_ > 0 && credit_ <= until;
}

bool expiry_sweep::due(std::uint32_t stripe, std::int64_t max_event_time) const noexcept {
  const std::int64_t swept = parts_.progress.swept(stripe);
  return swept == no_time || max_event_time - swept >= every_;
}

bool expiry_sweep::drop_expired(record*& r) {
  const record_pool& pool = parts_.pool;
  const keep_from keep = parts_.retained.keep(r->space);
  const bool trimmed = pool.worth_trimming(*r, keep) && parts_.pool.trim(r, keep);
  // What holds nothing (what has expired beyond reach is lost when it is read) may still be stored.
  const bool changed = trimmed || (!(r->flags & record::dead) && pool.empty(*r));
  if (changed) credit_ -= looks_paid;  // what writing it again will pay
  return changed;
}

void expiry_sweep::sweep_memory(std::uint32_t stripe) {
  credit_ -= parts_.table.used(stripe);
  const auto slots = parts_.table.slots(stripe);
  for (std::uint32_t i = 0; i < slots.size();) {
    record* r = slots[i].r;
    const auto is_clean = [&] { return parts_.changes.clean(stripe, r); };
    if (r && (r->flags & record::dead) && is_clean()) {
      parts_.table.remove(stripe, i);  // the slot may now hold the next one
      continue;
    }
    if (r && drop_expired(r)) {
      slots[i].r = r;
      if (fault_injected(failpoint::delete_dropped) && is_clean() && parts_.pool.empty(*r)) {
        parts_.table.remove(stripe, i);
        continue;
      }
      parts_.changes.touch(slots[i].hi, r);
    }
    ++i;
  }
}

// Stored records outside memory: those with something to drop come in, changed.
result<void> expiry_sweep::sweep_stored(std::uint32_t stripe, std::int64_t values_max) {
  read_group reading(parts_.source);
  if (!reading.status) return reading.status;
  std::int64_t left = values_max;
  auto next =
      parts_.cold.scan_some(stripe, *from_, left, [&](const key_hash& hash, decoded_head read) {
        const bool known = parts_.table.find(hash, read.r->space, parts_.pool.key(*read.r));
        if (known || !(drop_expired(read.r) || read.translated)) {
          parts_.pool.destroy(read.r);
          return;
        }
        parts_.table.insert(hash.hi, read.r);
        parts_.changes.touch(hash.hi, read.r);
      });
  if (!next) return next.error();
  credit_ -= values_max - left;
  from_ = *next;
  return {};
}

}  // namespace windrow::storage
