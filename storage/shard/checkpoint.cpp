// Checkpoints, eviction and expiry of a shard: how memory and storage keep to each other.
#include <algorithm>
#include <bit>
#include <cstring>

#include "storage/shard/shard_core.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::uint64_t few_max = 256;  // records that are not worth the trouble
// Of expiry, in records looked at: in one go, saved up, paid for by one that is written.
constexpr std::int64_t sweep_slice = 4096, sweep_credit_max = 32 * 1024, looks_paid = 2;

}  // namespace

void shard_core::begin_cycle() {
  if (!cycle_active()) cycle_next_ = 0;
}

void shard_core::encode_record(std::uint64_t hi, record* r, stripe_write& out) {
  const key_hash hash{hi, r->lo};
  const auto add = [&](std::uint32_t number, auto&& encode) {
    stripe_write::entry e{make_record_key(hash, number), out.bytes.size(), 0};
    put_raw(out.bytes, layouts_.current(r->space).id);
    encode();
    e.size = out.bytes.size() - e.offset;
    out.entries.push_back(e);
  };
  segment_directory* d = pool_.directory(*r);
  if (d) {
    for (const std::uint32_t number : d->erased) {
      out.entries.push_back({make_record_key(hash, number), 0, 0});
    }
    d->erased.clear();
    for (segment& s : d->segments) {
      if (!s.dirty) continue;
      add(s.number, [&] { encode_segment(out.bytes, pool_, layouts_, *r, s); });
      s.dirty = false;
    }
  }
  if (pool_.empty(*r)) {
    r->flags |= record::dead;
    out.entries.push_back({make_record_key(hash, 0), 0, 0});
  } else {
    add(0, [&] { encode_head(out.bytes, pool_, layouts_, *r); });
  }
}

void shard_core::encode_stripe_into(stripe& st, std::uint32_t index, stripe_write& out) {
  constexpr std::uint32_t ahead = 8;
  for (std::uint32_t i = 0; i < st.dirty.size(); ++i) {
    if (i + ahead < st.dirty.size()) {
      const char* next = reinterpret_cast<const char*>(likely(st.dirty[i + ahead].hi));
      __builtin_prefetch(next), __builtin_prefetch(next + 64), __builtin_prefetch(next + 128);
    }
    const key_hash hash = st.dirty[i];
    std::uint32_t at = static_cast<std::uint32_t>(hash.hi) & st.mask;
    while (st.slots[at].hi != hash.hi || st.slots[at].r->lo != hash.lo) at = (at + 1) & st.mask;
    encode_record(hash.hi, st.slots[at].r, out);
  }
  stripe_state state;
  state.catalog_version = plan_->catalog_version;
  state.log_offset = st.recovered.log_offset;
  state.sources = progress_of(st);
  if (fault_injected(failpoint::newest_not_stored)) state.sources.forget_clocks();
  state.series = st.recovered.series;
  state.rules = st.rules;
  state.swept = st.recovered.swept;
  out.stripes.push_back(encode_stripe(*plan_, state, index, options_.folder_seed));
  out.generations.push_back(st.generation);
  st.encoded = st.dirty.size();
  earn_sweep(static_cast<std::size_t>(looks_paid) * st.encoded);
  st.dirty.clear();
  ++st.generation;
  st.in_flight = true;
  dirty_bytes_ -= st.dirty_bytes;
  dirty_records_ -= st.encoded;
  st.dirty_bytes = 0;
}

// Pages of the file that a commit copies: not more than it has records, nor than its stripes have.
std::size_t shard_core::pages_of(const stripe_write& write) const noexcept {
  return std::min(write.entries.size(),
                  write.stripes.size() * (stored_bytes_ / stripe_count / page_bytes + 2));
}

std::unique_ptr<stripe_write> shard_core::next_write(std::size_t bytes) {
  const auto waits = [](const stripe& st) {
    return st.in_flight && !fault_injected(failpoint::two_in_flight);
  };
  if (!cycle_active() || waits(stripes_[cycle_next_])) return nullptr;
  auto out = std::make_unique<stripe_write>();
  out->layouts = layouts_.unstored();
  out->first_stripe = cycle_next_;
  out->bytes.reserve(bytes + bytes / 4);
  const std::size_t pages_max = options_.memory_budget / pages_part / page_bytes;
  while (cycle_active() && !waits(stripes_[cycle_next_]) && out->bytes.size() < bytes &&
         pages_of(*out) <= pages_max) {
    encode_stripe_into(stripes_[cycle_next_], cycle_next_, *out);
    ++cycle_next_;
  }
  out->last_stripe = cycle_next_ - 1;
  in_flight_bytes_ += out->bytes.capacity();
  return out;
}

void shard_core::committed(const stripe_write& write) {
  for (std::uint32_t i = write.first_stripe; i <= write.last_stripe; ++i) {
    stripes_[i].committed = write.generations[i - write.first_stripe];
    stripes_[i].in_flight = false;
    stripes_[i].encoded = 0;
  }
  if (!write.layouts.empty()) layouts_.all_stored();
  in_flight_bytes_ -= write.bytes.capacity();
  stored_bytes_ += write.bytes.size();
  // The moment when nearly all of a stripe is clean.
  for (std::uint32_t i = write.first_stripe; i <= write.last_stripe && nearly_pressed(); ++i)
    evict_from(stripes_[i], stripe_target());
}

// ---- memory ------------------------------------------------------------------------------------

shard_memory shard_core::memory() const noexcept {
  return {pool_.used_bytes() + in_flight_bytes_, table_.held(), dirty_bytes_, in_memory_};
}

std::size_t shard_core::used_bytes() const noexcept { return pool_.used_bytes() + other_bytes(); }

// What is not records: tables, the filter, lists of dirty records, writes under way.
std::size_t shard_core::other_bytes() const noexcept {
  return table_.used() + in_flight_bytes_ + dirty_records_ * sizeof(key_hash) +
         stripe_count * dirty_list::least_bytes;
}

// A shard that holds next to nothing has nothing to give.
bool shard_core::over_budget() const noexcept {
  return few_max < in_memory_ && budget_ < used_bytes();
}

bool shard_core::pressed() const noexcept {
  return few_max < in_memory_ && budget_ / 8 * 7 < used_bytes();
}

bool shard_core::nearly_pressed() const noexcept {
  return few_max < in_memory_ && budget_ / 4 * 3 < used_bytes();
}

// A third of a stripe's share of what records may take; the rest is for what comes until the stripe
// is written again, and for what lies between blocks. (With half, a tenth more pages were written;
// with a quarter as many.)
std::size_t shard_core::stripe_target() const noexcept {
  const std::size_t other = other_bytes();
  const std::size_t room = budget_ > other ? budget_ - other : 0;
  return room / 3 / stripe_count;
}

void shard_core::evict(std::size_t records_max) {
  std::size_t passed = 0;
  for (std::uint32_t n = 0; pressed() && passed < records_max && n < stripe_count; ++n) {
    stripe& st = stripes_[hand_stripe_];
    hand_stripe_ = (hand_stripe_ + 1) % stripe_count;
    // A stripe whose records are all dirty or being written has nothing to give.
    if (st.used <= st.dirty.size() + st.encoded) continue;
    passed += st.used;
    evict_from(st, stripe_target());
  }
}

// Clean records leave, those used least first, until the stripe holds `target` bytes.
void shard_core::evict_from(stripe& st, std::size_t target) {
  constexpr std::uint32_t ahead = 8;
  constexpr std::size_t heats = (record::heat_most >> record::heat_at) + 1;
  if (st.used == 0) return;
  std::size_t bytes = 0;
  std::array<std::size_t, heats> clean_bytes{};
  for (std::uint32_t i = 0; i <= st.mask; ++i) {
    __builtin_prefetch(st.slots[(i + ahead) & st.mask].r);
    record* r = st.slots[i].r;
    if (!r) continue;
    const bool leaves = clean(st, r);
    if (leaves || !st.in_flight) pool_.unload_segments(*r);
    bytes += r->capacity + r->owned;
    if (leaves) clean_bytes[static_cast<std::size_t>(r->heat())] += r->capacity + r->owned;
  }
  // Below `limit` all leave, at `limit` until `excess` bytes have left.
  std::size_t excess = bytes > target ? bytes - target : 0;
  std::size_t limit = 0;
  while (limit + 1 < heats && clean_bytes[limit] < excess) excess -= clean_bytes[limit++];
  for (std::uint32_t i = 0; i <= st.mask;) {
    record*& r = st.slots[i].r;
    if (!r) {
      ++i;
      continue;
    }
    const auto heat = static_cast<std::size_t>(r->heat());
    const bool leaves = clean(st, r) && (heat < limit || (heat == limit && excess > 0));
    if (!leaves) {
      r->cool();
      pool_.defragment(r);
      ++i;
      continue;
    }
    if (heat == limit) excess -= std::min<std::size_t>(excess, r->capacity + r->owned);
    // What is empty is stored nowhere, so forgetting it leaves the stripe complete.
    if (!(r->flags & record::dead)) leave_complete(st);
    remove(st, i);  // the slot may now hold the next one
  }
  std::uint32_t size = st.mask + 1;
  while (size > first_slots && st.used * 8 < size) size /= 2;
  if (size <= st.mask) resize(st, size);
}

// From now on the stripe has records that are only stored.
void shard_core::leave_complete(stripe& st) {
  if (!st.complete) return;
  st.complete = false;
  ++incomplete_;
  if (!filter_) {
    filter_.allocate(table_, std::bit_floor(std::clamp<std::size_t>(options_.memory_budget / 32,
                                                                    16 << 10, 64 << 20)));
  }
  for (std::uint32_t i = 0; i <= st.mask; ++i) {
    if (st.slots[i].r) filter_.add(st.slots[i].hi);
  }
  st.filtered = true;
}

// ---- expiry ------------------------------------------------------------------------------------

result<bool> shard_core::sweep(std::size_t allowance) {
  earn_sweep(allowance);
  const std::int64_t max_event_time = overall_max_event_time();
  if (max_event_time == no_time) return false;
  // What expires must come in to be written: not while what is there waits for that.
  if (dirty_records_ > 0 && over_budget()) return false;
  const std::int64_t until = std::max<std::int64_t>(sweep_credit_ - sweep_slice, 0);
  for (std::uint32_t n = 0; n < stripe_count && sweep_credit_ > until; ++n) {
    stripe& st = stripes_[sweep_stripe_];
    if (!sweep_from_ && sweep_due(st, max_event_time)) {
      sweep_max_event_time_ = max_event_time;
      sweep_memory(st);
      if (st.complete)
        st.recovered.swept = max_event_time;
      else
        sweep_from_ = first_key_of(sweep_stripe_);
    }
    if (sweep_from_) {
      const std::int64_t values_max = std::max<std::int64_t>(sweep_credit_ - until, 1);
      if (auto swept = sweep_stored(sweep_stripe_, values_max); !swept) return swept.error();
      if (sweep_from_) break;
      st.recovered.swept = sweep_max_event_time_;
    }
    sweep_stripe_ = (sweep_stripe_ + 1) % stripe_count;
  }
  return sweep_credit_ > 0 && sweep_credit_ <= until;
}

void shard_core::earn_sweep(std::size_t looks) noexcept {
  sweep_credit_ = std::min(sweep_credit_ + static_cast<std::int64_t>(looks), sweep_credit_max);
}

bool shard_core::sweep_due(const stripe& st, std::int64_t max_event_time) const noexcept {
  return st.recovered.swept == no_time || max_event_time - st.recovered.swept >= sweep_every_;
}

bool shard_core::drop_expired(record*& r) {
  const keep_from keep = keep_[r->space];
  const bool changed = (pool_.worth_trimming(*r, keep) && pool_.trim(r, keep)) || to_be_deleted(*r);
  if (changed) sweep_credit_ -= looks_paid;  // what writing it again will pay
  return changed;
}

void shard_core::sweep_memory(stripe& st) {
  sweep_credit_ -= st.used;
  for (std::uint32_t i = 0; st.slots && i <= st.mask;) {
    record* r = st.slots[i].r;
    if (r && (r->flags & record::dead) && clean(st, r)) {
      remove(st, i);  // the slot may now hold the next one
      continue;
    }
    if (r && drop_expired(r)) {
      st.slots[i].r = r;
      if (fault_injected(failpoint::delete_dropped) && clean(st, r) && pool_.empty(*r)) {
        remove(st, i);
        continue;
      }
      touch(st, st.slots[i].hi, r);
    }
    ++i;
  }
}

// Stored records outside memory: those with something to drop come in, changed.
result<void> shard_core::sweep_stored(std::uint32_t index, std::int64_t values_max) {
  stripe& st = stripes_[index];
  read_group reading(source_);
  if (!reading.status) return reading.status;
  std::int64_t left = values_max;
  auto next =
      cold_.scan_some(index, *sweep_from_, left, [&](const key_hash& hash, decoded_head read) {
        const bool known = find(st, hash, read.r->space, pool_.key(*read.r));
        if (known || !(drop_expired(read.r) || read.translated)) {
          pool_.destroy(read.r);
          return;
        }
        insert(st, hash.hi, read.r);
        touch(st, hash.hi, read.r);
      });
  if (!next) return next.error();
  sweep_credit_ -= values_max - left;
  sweep_from_ = *next;
  return {};
}

// ---- state for others --------------------------------------------------------------------------

std::vector<stripe_state> shard_core::stripe_states() const {
  std::vector<stripe_state> states;
  for (const stripe& st : stripes_) {
    stripe_state s = st.recovered;
    s.sources = progress_of(st);
    s.rules = st.rules;
    states.push_back(std::move(s));
  }
  return states;
}

positions shard_core::resume_positions() const {
  positions smallest;
  for (const auto& last : recovered_most_.entries())
    smallest[last.partition] = resume_position(last.partition);
  for (const auto& told : applied_.entries())
    smallest[told.partition] = resume_position(told.partition);
  return smallest;
}

sequence shard_core::resume_position(partition_id partition) const {
  const auto* applied = applied_.find(partition);
  const sequence mine = applied ? applied->at : 0;
  const auto* last = recovered_most_.find(partition);
  // Stripes that recovered a later position are behind nothing once this run has come so far.
  if (!last || mine >= last->at) return mine;
  sequence least = last->at;
  for (const stripe& st : stripes_) {
    const auto* at = st.recovered.sources.find(partition);
    least = std::min(least, at ? at->at : 0);
  }
  return std::max(least, mine);
}

// Clocks go with positions: those of the smallest position are the smallest.
std::vector<std::int64_t> shard_core::resume_clocks(partition_id partition) const {
  std::vector<std::int64_t> clocks(plan_->watermark_groups.size(), no_time);
  const auto clocks_in = [&](const source_progress& progress) {
    const auto* at = progress.find(partition);
    return at ? progress.clocks_of(*at) : std::span<const std::int64_t>();
  };
  if (const auto most = clocks_in(recovered_most_); !most.empty()) {
    clocks.assign(most.begin(), most.end());
    for (const stripe& st : stripes_) {
      const auto mine = clocks_in(st.recovered.sources);
      for (std::size_t i = 0; i < clocks.size(); ++i)
        clocks[i] = mine.empty() ? no_time : std::min(clocks[i], mine[i]);
    }
  }
  const auto told = clocks_in(applied_);
  for (std::size_t i = 0; i < told.size(); ++i) clocks[i] = std::max(clocks[i], told[i]);
  return clocks;
}

}  // namespace windrow::storage
