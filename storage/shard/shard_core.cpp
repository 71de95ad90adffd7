#include "storage/shard/shard_core.hpp"

#include <algorithm>
#include <cstring>

#include "windrow/time.hpp"

namespace windrow::storage {

namespace {

value value_at(const batch_column& column, std::size_t row) {
  if (!column.is_valid(row)) return value{null{}};
  switch (column.kind) {
    case schema::value_kind::boolean:
      return value{column.bools[row] != 0};
    case schema::value_kind::integer:
      return value{column.ints[row]};
    case schema::value_kind::floating:
      return value{column.floats[row]};
    case schema::value_kind::text:
      return value{std::string(column.text_at(row))};
    case schema::value_kind::datetime:
      return value{timestamp{column.ints[row]}};
    case schema::value_kind::list:
      return value{column.lists[row]};
    case schema::value_kind::map:
    case schema::value_kind::structure:
      return column.values[row];
    case schema::value_kind::bytes:
      return value{byte_string{std::string(column.text_at(row))}};
  }
  return value{null{}};
}

}  // namespace

shard_core::shard_core(schema::plan_ptr plan, shard_options options, record_reader& source)
    : plan_(plan),
      options_(options),
      budget_(options.memory_budget - options.memory_budget / pages_part),
      source_(source),
      pool_(plan),
      layouts_(pool_.layouts()),
      cold_(source, options.folder_seed, pool_, layouts_),
      section_plans_(section_plans_of(pool_.layouts())),
      applied_(plan->watermark_groups.size()),
      recovered_most_(plan->watermark_groups.size()) {
  max_event_times_.assign(plan_->watermark_groups.size(), no_time);
  late_.assign(plan_->rules.size(), 0);
  for (std::size_t k = 0; k < plan_->key_spaces.size(); ++k) {
    keep_.emplace_back(pool_.layout(static_cast<int>(k)).lanes.size(), INT64_MIN);
  }
  for (const schema::tiling& t : plan_->tilings) {
    const std::int64_t every = std::max<std::int64_t>(t.retention / 4, 1);
    sweep_every_ = sweep_every_ == 0 ? every : std::min(sweep_every_, every);
  }
  for (stripe& st : stripes_) {
    st.recovered = stripe_state(*plan_);
    st.rules.resize(plan_->rules.size());
  }
}

shard_core::~shard_core() {
  for (stripe& st : stripes_) {
    for (std::uint32_t i = 0; st.slots && i <= st.mask; ++i) {
      if (st.slots[i].r) pool_.destroy(st.slots[i].r);
    }
  }
}

result<std::unique_ptr<shard_core>> shard_core::open(schema::plan_ptr plan, shard_options options,
                                                     record_reader& source,
                                                     const stored_shard& stored) {
  std::unique_ptr<shard_core> core(new shard_core(plan, options, source));
  auto layouts = layout_table::make(core->pool_.layouts(), stored.layouts);
  if (!layouts) return layouts.error();
  core->layouts_ = std::move(*layouts);
  for (const auto& [index, bytes] : stored.stripes) {
    if (index >= stripe_count) return damaged("stripe");
    auto state =
        decode_stripe(*plan, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                      index, options.folder_seed);
    if (!state) return state.error();
    if (state->catalog_version != plan->catalog_version) {
      return failure{errc::mismatch, "stripe " + std::to_string(index) +
                                         " belongs to catalog version " +
                                         std::to_string(state->catalog_version)};
    }
    stripe& st = core->stripes_[index];
    st.recovered = std::move(*state);
    st.rules = st.recovered.rules;
    for (std::size_t i = 0; i < st.rules.size(); ++i) core->late_[i] += st.rules[i].late;
    st.complete = false;
    ++core->incomplete_;
    core->recovered_most_.advance(st.recovered.sources);
  }
  core->max_event_times_ = core->recovered_most_.max_event_times();
  core->pool_.set_max_event_times(core->max_event_times_);
  core->update_keep();
  return core;
}

// ---- table -------------------------------------------------------------------------------------

shard_core::slot* shard_core::find(stripe& st, const key_hash& hash, int key_space,
                                   std::string_view key) const noexcept {
  if (!st.slots) return nullptr;
  for (std::uint32_t i = static_cast<std::uint32_t>(hash.hi) & st.mask; st.slots[i].r;
       i = (i + 1) & st.mask) {
    if (st.slots[i].hi != hash.hi) continue;
    const record& r = *st.slots[i].r;
    if (r.space == key_space && pool_.key(r) == key) return &st.slots[i];
  }
  return nullptr;
}

// The record that a hash most likely means, without looking at its key: for prefetching.
const record* shard_core::likely(std::uint64_t hi) const noexcept {
  const stripe& st = stripes_[stripe_of(hi)];
  if (!st.slots) return nullptr;
  std::uint32_t i = static_cast<std::uint32_t>(hi) & st.mask;
  while (st.slots[i].r && st.slots[i].hi != hi) i = (i + 1) & st.mask;
  return st.slots[i].r;
}

void shard_core::resize(stripe& st, std::uint32_t size) {
  auto* slots = static_cast<slot*>(table_.allocate(size * sizeof(slot)));
  for (std::uint32_t i = 0; st.slots && i <= st.mask; ++i) {
    if (!st.slots[i].r) continue;
    std::uint32_t j = static_cast<std::uint32_t>(st.slots[i].hi) & (size - 1);
    while (slots[j].r) j = (j + 1) & (size - 1);
    slots[j] = st.slots[i];
  }
  if (st.slots) table_.release(st.slots, (st.mask + 1) * sizeof(slot));
  st.slots = slots;
  st.mask = size - 1;
}

shard_core::slot* shard_core::insert(stripe& st, std::uint64_t hi, record* r) {
  if (!st.slots || (st.used + 1) * 4 > (st.mask + 1) * 3)
    resize(st, st.slots ? (st.mask + 1) * 2 : first_slots);
  std::uint32_t i = static_cast<std::uint32_t>(hi) & st.mask;
  while (st.slots[i].r) i = (i + 1) & st.mask;
  st.slots[i] = {hi, r};
  ++st.used;
  ++in_memory_;
  return &st.slots[i];
}

// Linear probing without tombstones: what follows moves back over the hole.
void shard_core::remove(stripe& st, std::uint32_t index) {
  pool_.destroy(st.slots[index].r);
  std::uint32_t hole = index;
  for (std::uint32_t j = (hole + 1) & st.mask; st.slots[j].r; j = (j + 1) & st.mask) {
    const std::uint32_t home = static_cast<std::uint32_t>(st.slots[j].hi) & st.mask;
    if (((j - home) & st.mask) >= ((j - hole) & st.mask)) {
      st.slots[hole] = st.slots[j];
      hole = j;
    }
  }
  st.slots[hole] = {};
  --st.used;
  --in_memory_;
}

// Every change of a record goes through here first.
void shard_core::touch(stripe& st, std::uint64_t hi, record* r) {
  r->flags = static_cast<std::uint16_t>(r->flags & ~record::dead);
  if (r->generation == st.generation) return;
  if (fault_injected(failpoint::touch_missed) && !clean(st, r)) return;
  r->generation = st.generation;
  st.dirty.push({hi, r->lo});
  const std::size_t bytes = r->capacity;
  st.dirty_bytes += bytes;
  dirty_bytes_ += bytes;
  ++dirty_records_;
}

// ---- cold records ------------------------------------------------------------------------------

// What was stored in another layout is written again with the stripe's next checkpoint.
void shard_core::take_in(const key_hash& hash, const decoded_head& read) {
  stripe& st = stripes_[stripe_of(hash.hi)];
  insert(st, hash.hi, read.r);
  if (read.translated) touch(st, hash.hi, read.r);
}

result<void> shard_core::load_stripe(std::uint32_t index) {
  stripe& st = stripes_[index];
  auto loaded = cold_.scan(index, [&](const key_hash& hash, const decoded_head& read) {
    if (find(st, hash, read.r->space, pool_.key(*read.r)))
      pool_.destroy(read.r);
    else
      take_in(hash, read);
  });
  if (!loaded) return loaded;
  st.complete = true;
  st.filtered = false;
  --incomplete_;
  return {};
}

// Adds the stripe's stored keys to the filter, where that takes about a millisecond.
result<void> shard_core::fill_filter(std::uint32_t index) {
  constexpr std::size_t stripe_bytes_max = 1 << 20;
  if (!filter_ || stored_bytes_ / stripe_count > stripe_bytes_max) return {};
  auto scanned = source_.scan(first_key_of(index), end_key_of(index),
                              [&](const storage_key& key, std::span<const std::uint8_t>) {
                                const record_name name = read_record_key(key);
                                if (name.segment == 0) filter_.add(name.hash.hi);
                                return true;
                              });
  if (!scanned) return scanned;
  // What is in memory may be stored later.
  stripe& st = stripes_[index];
  for (std::uint32_t i = 0; st.slots && i <= st.mask; ++i) {
    if (st.slots[i].r) filter_.add(st.slots[i].hi);
  }
  st.filtered = true;
  return {};
}

bool shard_core::known_absent(const stripe& st, const key_hash& hash) const noexcept {
  if (st.complete || (st.filtered && !filter_.may_hold(hash.hi))) return true;
  return std::binary_search(absent_.begin(), absent_.end(), hash);
}

// Reads in key order; notes what is not stored.
result<void> shard_core::load_all(std::span<const key_hash> sorted) {
  for (const key_hash& hash : sorted) {
    auto read = cold_.read(hash);
    if (!read) return read.error();
    if (read->r)
      take_in(hash, *read);
    else
      absent_.push_back(hash);
  }
  return {};
}

// Brings the stored records that the batch will change into memory, in key order. REQUIRES: a
// group of reads.
result<void> shard_core::load_missing(const batch& b) {
  // Small state comes back a stripe at a time: one range read instead of thousands of lookups.
  if (batches_++ % 4096 == 0) stored_bytes_ = source_.stored_bytes();
  const bool whole = stored_bytes_ * 4 < options_.memory_budget;
  const bool again = replaying(b);
  constexpr std::size_t ahead = 16;
  missing_.clear();
  for (const section& s : b.sections) {
    for (std::size_t row = 0; row < s.rows(); ++row) {
      if (row + ahead < s.rows()) {
        const std::uint64_t next = s.hashes[row + ahead].hi;
        const stripe& st = stripes_[stripe_of(next)];
        if (st.slots) __builtin_prefetch(&st.slots[next & st.mask]);
      }
      const key_hash& hash = s.hashes[row];
      const std::uint32_t index = stripe_of(hash.hi);
      stripe& st = stripes_[index];
      if (st.complete || likely(hash.hi) || (again && already_applied(b, s, row))) continue;
      if (whole) {
        if (auto loaded = load_stripe(index); !loaded) return loaded;
        continue;
      }
      if (!st.filtered) {
        if (auto filled = fill_filter(index); !filled) return filled;
      }
      if (!known_absent(st, hash)) missing_.push_back(hash);
    }
  }
  std::sort(missing_.begin(), missing_.end());
  missing_.erase(std::unique(missing_.begin(), missing_.end()), missing_.end());
  return load_all(missing_);
}

result<shard_core::slot*> shard_core::record_of(stripe& st, const key_hash& hash, int key_space,
                                                std::string_view key) {
  if (slot* at = find(st, hash, key_space, key)) return at;
  // `load_missing` takes half of a hash for the key; here is the rare one that it was not.
  if (!known_absent(st, hash)) {
    if (auto loaded = load_all({&hash, 1}); !loaded) return loaded.error();
    if (slot* at = find(st, hash, key_space, key)) return at;
  }
  if (st.filtered) filter_.add(hash.hi);
  return insert(st, hash.hi, pool_.create(key_space, key, hash.lo));
}

// ---- apply -------------------------------------------------------------------------------------

// Whether a row of the batch may have been applied already.
bool shard_core::replaying(const batch& b) const {
  const auto reaches_into = [&](const source_progress& known) {
    const auto* at = known.find(b.partition);
    return at && b.first <= at->at;
  };
  return reaches_into(recovered_most_) || reaches_into(applied_);
}

bool shard_core::already_applied(const batch& b, const section& s, std::size_t row) const {
  const stripe& st = stripes_[stripe_of(s.hashes[row].hi)];
  if (fault_injected(failpoint::replay_not_skipped)) return false;
  const sequence position = b.first + s.sequences[row];
  const auto* at = st.recovered.sources.find(b.partition);
  if (at && position <= at->at) return true;
  const auto* told = applied_.find(b.partition);
  return told && position <= told->at;
}

bool shard_core::too_late(stripe& st, const section& s, std::size_t row, const lane_step& step,
                          std::size_t watermark_groups, std::int64_t index, bool& counted) {
  const std::int64_t max_event_time =
      s.max_event_time_before[row * watermark_groups + step.watermark_group];
  if (max_event_time == no_time) return false;
  const std::int64_t end = schema::bucket_start(index + 1, step.duration, step.origin);
  std::size_t late = 0;
  for (const auto& [rule, retention] : step.rules) {
    if (end > max_event_time - retention) continue;
    ++late;
    ++st.rules[static_cast<std::size_t>(rule)].late;
    ++late_[static_cast<std::size_t>(rule)];
    counted = true;
  }
  return late == step.rules.size();
}

result<void> shard_core::apply_section(const batch& b, const section& s, apply_outcome& outcome) {
  section_plan& plan = section_plans_[static_cast<std::size_t>(s.route)];
  const record_layout& space = pool_.layout(plan.key_space);
  const keep_from keep = keep_[static_cast<std::size_t>(plan.key_space)];
  plan.bind(s);
  const bool again = replaying(b);
  const bool may_be_late = !s.max_event_time_before.empty();
  const std::size_t rows = s.rows();
  constexpr std::size_t far = 32, near = 20, close = 10;  // rows ahead: slot, record, newest tiles

  for (std::size_t row = 0; row < rows; ++row) {
    if (row + far < rows) {
      const stripe& st = stripes_[stripe_of(s.hashes[row + far].hi)];
      if (st.slots) __builtin_prefetch(&st.slots[s.hashes[row + far].hi & st.mask]);
    }
    if (row + near < rows) {
      if (const record* r = likely(s.hashes[row + near].hi)) {
        __builtin_prefetch(r, 1);
        __builtin_prefetch(reinterpret_cast<const char*>(r) + 64, 1);
      }
    }
    if (row + close < rows) {
      if (const record* r = likely(s.hashes[row + close].hi)) {
        const char* end = reinterpret_cast<const char*>(r) + r->used;
        __builtin_prefetch(end - 1, 1);
        __builtin_prefetch(end - 65, 1);
      }
    }
    if (again && already_applied(b, s, row)) {
      ++outcome.already_applied;
      continue;
    }
    const std::uint64_t hi = s.hashes[row].hi;
    stripe& st = stripes_[stripe_of(hi)];
    const std::string_view key = s.key_at(row);
    auto found = record_of(st, s.hashes[row], plan.key_space, key);
    if (!found) return found.error();
    slot* at = *found;
    record* r = at->r;
    r->warm();
    touch(st, hi, r);
    for (const auto& write : plan.scalars) {
      const batch_column& column = s.columns[static_cast<std::size_t>(write.column)];
      pool_.set_scalar(r, write.scalar, s.times[row], value_at(column, row));
    }
    bool late = false;
    const std::int64_t time = s.times[row];
    record_pool::lane_cursor cursor;
    fold_row folded{{}, row, time, b.partition, b.first + s.sequences[row]};
    for (lane_step& step : plan.steps) {
      if (step.filter_column &&
          !(step.filter_column->is_valid(row) && step.filter_column->bools[row]))
        continue;
      if (time < step.bucket_begin || time >= step.bucket_end) {
        step.bucket = schema::bucket_index(time, step.duration, step.origin);
        step.bucket_begin = schema::bucket_start(step.bucket, step.duration, step.origin);
        step.bucket_end = step.bucket_begin + step.duration;
      }
      if (may_be_late && too_late(st, s, row, step, plan.watermark_groups, step.bucket, late))
        continue;
      folded.columns = step.columns;
      if (pool_.fold_newest(r, space, step.lane, step.bucket, folded, cursor)) continue;
      cursor = {};
      auto done = pool_.fold(r, step.lane, step.bucket, folded, keep, cold_.load_segment());
      if (!done) {
        at->r = r;
        return done;
      }
    }
    at->r = r;
    ++outcome.rows;
    outcome.late += late ? 1 : 0;
  }
  return {};
}

result<apply_outcome> shard_core::apply(const batch& b) {
  if (b.catalog_version != plan_->catalog_version) {
    return failure{errc::mismatch, "a batch of catalog version " +
                                       std::to_string(b.catalog_version) +
                                       " came to a shard that has version " +
                                       std::to_string(plan_->catalog_version)};
  }
  pool_.set_max_event_times(b.max_event_times);
  apply_outcome outcome;
  absent_.clear();
  std::optional<read_group> reading;
  if (incomplete_ > 0) {
    reading.emplace(source_);
    if (!reading->status) return reading->status.error();
    if (auto loaded = load_missing(b); !loaded) return loaded.error();
  }
  for (const section& s : b.sections) {
    if (auto done = apply_section(b, s, outcome); !done) return done.error();
  }
  applied_.advance({b.partition, b.last, 0}, b.max_event_times);
  bool moved = false;
  for (std::size_t i = 0; i < max_event_times_.size(); ++i) {
    if (b.max_event_times[i] <= max_event_times_[i]) continue;
    max_event_times_[i] = b.max_event_times[i];
    moved = true;
  }
  if (moved) update_keep();
  return outcome;
}

void shard_core::update_keep() {
  for (std::size_t k = 0; k < keep_.size(); ++k) {
    const record_layout& space = pool_.layout(static_cast<int>(k));
    for (std::size_t i = 0; i < space.lanes.size(); ++i) {
      const lane_type& lane = space.lanes[i];
      const int watermark_group =
          plan_->tilings[static_cast<std::size_t>(lane.tiling)].watermark_group;
      const std::int64_t max_event_time =
          max_event_times_[static_cast<std::size_t>(watermark_group)];
      // A bucket is kept while its end is after newest - retention.
      if (max_event_time != no_time) {
        keep_[k][i] =
            schema::bucket_index(max_event_time - lane.retention, lane.duration, lane.origin);
      }
    }
  }
}

std::int64_t shard_core::overall_max_event_time() const noexcept {
  std::int64_t max_event_time = no_time;
  for (const std::int64_t t : max_event_times_) max_event_time = std::max(max_event_time, t);
  return max_event_time;
}

}  // namespace windrow::storage
