#include "storage/shard/checkpoint_cycle.hpp"

#include <algorithm>

#include "base/fault_injection.hpp"
#include "base/prefetch.hpp"
#include "base/varint.hpp"
#include "storage/record/record_codec.hpp"

namespace windrow::storage {

namespace {

constexpr std::size_t page_bytes = 4096;

/// Pages of the file that a commit copies: not more than it has records, nor than its stripes have.
std::size_t pages_of(const stripe_write& write, std::size_t stored_bytes) noexcept {
  return std::min(write.entries.size(),
                  write.stripes.size() * (stored_bytes / stripe_count / page_bytes + 2));
}

}  // namespace

void checkpoint_cycle::encode_record(std::uint64_t hi, record* r, stripe_write& out) {
  const record_pool& pool = parts_.pool;
  const layout_table& layouts = parts_.layouts;
  const key_hash hash{hi, r->lo};
  const auto add = [&](std::uint32_t number, auto&& encode) {
    stripe_write::entry e{make_record_key(hash, number), out.bytes.size(), 0};
    put_raw(out.bytes, layouts.current(r->space).id);
    encode();
    e.size = out.bytes.size() - e.offset;
    out.entries.push_back(e);
  };
  segment_directory* d = pool.directory(*r);
  if (d) {
    for (const std::uint32_t number : d->erased) {
      out.entries.push_back({make_record_key(hash, number), 0, 0});
    }
    d->erased.clear();
    for (segment& s : d->segments) {
      if (!s.dirty) continue;
      add(s.number, [&] { encode_segment(out.bytes, pool, layouts, *r, s); });
      s.dirty = false;
    }
  }
  if (pool.empty(*r)) {
    r->flags |= record::dead;
    out.entries.push_back({make_record_key(hash, 0), 0, 0});
  } else {
    add(0, [&] { encode_head(out.bytes, pool, layouts, *r); });
  }
}

void checkpoint_cycle::encode_stripe_into(std::uint32_t stripe, stripe_write& out) {
  constexpr std::uint32_t ahead = 8;
  const record_table& table = parts_.table;
  const dirty_list& dirty = parts_.changes.dirty(stripe);
  for (std::uint32_t i = 0; i < dirty.size(); ++i) {
    if (i + ahead < dirty.size()) {
      const char* next = reinterpret_cast<const char*>(table.likely(dirty[i + ahead].hi));
      prefetch(next), prefetch(next + 64), prefetch(next + 128);
    }
    encode_record(dirty[i].hi, table.at(dirty[i]), out);
  }
  stripe_state state = parts_.progress.state_of(stripe);
  if (fault_injected(failpoint::newest_not_stored)) state.sources.forget_clocks();
  out.stripes.push_back(encode_stripe(parts_.pool.layouts().plan(), state, stripe, folder_seed_));
  out.generations.push_back(parts_.changes.encoded(stripe));
}

bool checkpoint_cycle::next_waits() const noexcept {
  return parts_.changes.in_flight(next_) && !fault_injected(failpoint::two_in_flight);
}

std::unique_ptr<stripe_write> checkpoint_cycle::next_write(std::size_t bytes,
                                                           std::size_t stored_bytes) {
  if (!active() || next_waits()) return nullptr;
  auto out = std::make_unique<stripe_write>();
  out->layouts = parts_.layouts.unstored();
  out->first_stripe = next_;
  out->bytes.reserve(bytes + bytes / 4);
  const std::size_t pages_max = commit_bytes_ / page_bytes;
  while (active() && !next_waits() && out->bytes.size() < bytes &&
         pages_of(*out, stored_bytes) <= pages_max) {
    encode_stripe_into(next_, *out);
    ++next_;
  }
  out->last_stripe = next_ - 1;
  in_flight_bytes_ += out->bytes.capacity();
  return out;
}

void checkpoint_cycle::committed(const stripe_write& write) {
  for (std::uint32_t i = write.first_stripe; i <= write.last_stripe; ++i)
    parts_.changes.committed(i, write.generations[i - write.first_stripe]);
  if (!write.layouts.empty()) parts_.layouts.all_stored();
  in_flight_bytes_ -= write.bytes.capacity();
}

}  // namespace windrow::storage
