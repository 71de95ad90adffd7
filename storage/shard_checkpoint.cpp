// Checkpoints, eviction and expiry of a shard: how memory and storage keep to each other.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "storage/shard_core.hpp"

namespace windrow::storage {

void stripe_write::seal(std::uint64_t folder_seed) {
  std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.key < b.key; });
  for (const entry& e : entries) {
    if (e.size == 0) continue;
    auto* at = reinterpret_cast<std::uint8_t*>(bytes.data() + e.offset);
    const std::uint64_t sum = value_checksum(e.key, folder_seed, {at + 8, e.size - 8});
    std::memcpy(at, &sum, 8);
  }
}

void shard_core::begin_round() {
  if (!round_active()) round_next_ = 0;
}

void shard_core::encode_record(std::uint64_t hi, record* r, stripe_write& out) {
  const key_hash hash{hi, r->lo};
  const auto add = [&](std::uint32_t number, auto&& encode) {
    stripe_write::entry e{make_record_key(hash, number), out.bytes.size(), 0};
    out.bytes.append(8, '\0');
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
      add(s.number, [&] { encode_segment(out.bytes, pool_, *r, s); });
      s.dirty = false;
    }
  }
  if (pool_.empty(*r)) {
    r->flags |= record::dead;
    out.entries.push_back({make_record_key(hash, 0), 0, 0});
  } else {
    add(0, [&] { encode_head(out.bytes, pool_, *r); });
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
  state.position = position_of(st);
  state.newest = newest_;
  for (std::size_t i = 0; i < state.newest.size(); ++i) {
    state.newest[i] = std::max(state.newest[i], st.recovered.newest[i]);
    if (planted(plant::newest_not_stored)) state.newest[i] = no_time;
  }
  state.late = st.late;
  state.swept = st.recovered.swept;
  out.stripes.push_back(encode_stripe(*plan_, state, index, options_.folder_seed));
  out.generations.push_back(st.generation);
  st.encoded = st.dirty.size();
  st.dirty.clear();
  ++st.generation;
  st.in_flight = true;
  dirty_bytes_ -= st.dirty_bytes;
  st.dirty_bytes = 0;
}

std::unique_ptr<stripe_write> shard_core::next_write(std::size_t bytes) {
  const auto waits = [](const stripe& st) {
    return st.in_flight && !planted(plant::two_in_flight);
  };
  if (!round_active() || waits(stripes_[round_next_])) return nullptr;
  auto out = std::make_unique<stripe_write>();
  out->first_stripe = round_next_;
  out->bytes.reserve(bytes + bytes / 4);
  while (round_active() && !waits(stripes_[round_next_]) && out->bytes.size() < bytes) {
    encode_stripe_into(stripes_[round_next_], round_next_, *out);
    ++round_next_;
  }
  out->last_stripe = round_next_ - 1;
  in_flight_bytes_ += out->bytes.capacity();
  return out;
}

void shard_core::committed(const stripe_write& write) {
  for (std::uint32_t i = write.first_stripe; i <= write.last_stripe; ++i) {
    stripes_[i].committed = write.generations[i - write.first_stripe];
    stripes_[i].in_flight = false;
    stripes_[i].encoded = 0;
  }
  in_flight_bytes_ -= write.bytes.capacity();
  stored_bytes_ += write.bytes.size();
}

// ---- memory ------------------------------------------------------------------------------------

shard_memory shard_core::memory() const noexcept {
  return {pool_.used_bytes() + in_flight_bytes_, table_.held(), dirty_bytes_, in_memory_};
}

bool shard_core::over_budget() const noexcept {
  // A shard that holds next to nothing has nothing to give.
  return in_memory_ > 256 && used_bytes() > options_.memory_budget;
}

bool shard_core::wants_checkpoint() const noexcept {
  return dirty_bytes_ + in_flight_bytes_ > options_.memory_budget / 3 || over_budget();
}

std::size_t shard_core::used_bytes() const noexcept {
  return pool_.used_bytes() + table_.held() + in_flight_bytes_;
}

// A clock hand over the table: records used since it last passed stay for one more turn. Once
// memory is over its budget an eighth of it is freed, so that not every batch begins it again.
void shard_core::evict(std::size_t records_max) {
  evicting_ = evicting_ ? used_bytes() > options_.memory_budget / 8 * 7 : over_budget();
  std::size_t passed = 0;
  for (std::uint32_t stripes = 0; evicting_ && passed < records_max && stripes < 2 * stripe_count;) {
    stripe& st = stripes_[hand_stripe_];
    // A stripe whose records are all dirty or being written has nothing to give.
    if (!st.slots || hand_slot_ > st.mask || st.used <= st.dirty.size() + st.encoded) {
      hand_slot_ = 0;
      hand_stripe_ = (hand_stripe_ + 1) % stripe_count;
      ++stripes;
      evicting_ = used_bytes() > options_.memory_budget / 8 * 7;
      continue;
    }
    record* r = st.slots[hand_slot_].r;
    if (!r) {
      ++hand_slot_;
      continue;
    }
    ++passed;
    if (!clean(st, r)) {
      ++hand_slot_;
    } else if (r->flags & record::referenced) {
      r->flags = static_cast<std::uint16_t>(r->flags & ~record::referenced);
      ++hand_slot_;
    } else {
      // What is empty is stored nowhere, so forgetting it leaves the stripe complete.
      if (!(r->flags & record::dead) && st.complete) {
        st.complete = false;
        ++incomplete_;
      }
      remove(st, hand_slot_);
    }
  }
}

// ---- expiry ------------------------------------------------------------------------------------

result<void> shard_core::sweep() {
  const std::int64_t newest = newest_of_all();
  if (newest == no_time || sweep_every_ == 0) return {};
  const std::uint32_t index = sweep_stripe_;
  sweep_stripe_ = (sweep_stripe_ + 1) % stripe_count;
  stripe& st = stripes_[index];
  if (st.recovered.swept == no_time) st.recovered.swept = newest;
  if (newest - st.recovered.swept < sweep_every_) return {};
  st.recovered.swept = newest;
  for (std::uint32_t i = 0; st.slots && i <= st.mask;) {
    record* r = st.slots[i].r;
    if (r && (r->flags & record::dead) && clean(st, r)) {
      remove(st, i);  // the slot may now hold the next one
      continue;
    }
    if (r) {
      if (pool_.trim(r, keep_[r->space]) || to_be_deleted(*r)) {
        st.slots[i].r = r;
        if (planted(plant::delete_dropped) && clean(st, r) && pool_.empty(*r)) {
          remove(st, i);
          continue;
        }
        const bool referenced = r->flags & record::referenced;
        touch(st, st.slots[i].hi, r);
        if (!referenced) r->flags = static_cast<std::uint16_t>(r->flags & ~record::referenced);
      }
    }
    ++i;
  }
  return st.complete ? result<void>{} : sweep_stored(index);
}

// Stored records outside memory: those with something to drop come in, changed.
result<void> shard_core::sweep_stored(std::uint32_t index) {
  stripe& st = stripes_[index];
  read_group reading(source_);
  if (!reading.status) return reading.status;
  return scan_heads(index, [&](const key_hash& hash, record* r) {
    if (find(st, hash, r->space, pool_.key(*r)) ||
        !(pool_.trim(r, keep_[r->space]) || to_be_deleted(*r))) {
      pool_.destroy(r);
      return;
    }
    insert(st, hash.hi, r);
    touch(st, hash.hi, r);
  });
}

// ---- state for others --------------------------------------------------------------------------

std::vector<stripe_state> shard_core::stripe_states() const {
  std::vector<stripe_state> states;
  for (const stripe& st : stripes_) {
    stripe_state s = st.recovered;
    s.position = position_of(st);
    for (std::size_t i = 0; i < s.newest.size(); ++i) s.newest[i] = std::max(s.newest[i], newest_[i]);
    s.late = st.late;
    states.push_back(std::move(s));
  }
  return states;
}

positions shard_core::resume_positions() const {
  positions smallest;
  for (const auto& [partition, last] : recovered_last_) {
    sequence least = last;
    for (const stripe& st : stripes_) {
      const auto at = st.recovered.position.find(partition);
      least = std::min(least, at == st.recovered.position.end() ? 0 : at->second);
    }
    smallest[partition] = least;
  }
  for (const auto& [partition, at] : applied_) {
    auto& mine = smallest[partition];
    mine = std::max(mine, at);
  }
  return smallest;
}

std::vector<std::int64_t> shard_core::resume_newest() const {
  std::vector<std::int64_t> newest = known_newest_;
  for (const stripe& st : stripes_) {
    for (std::size_t i = 0; i < newest.size(); ++i) newest[i] = std::min(newest[i], st.recovered.newest[i]);
  }
  for (std::size_t i = 0; i < newest.size(); ++i) newest[i] = std::max(newest[i], newest_[i]);
  return newest;
}

std::vector<std::uint64_t> shard_core::late_by_rule() const {
  std::vector<std::uint64_t> late(plan_->rules.size(), 0);
  for (const stripe& st : stripes_) {
    for (std::size_t i = 0; i < late.size(); ++i) late[i] += st.late[i];
  }
  return late;
}

}  // namespace windrow::storage
