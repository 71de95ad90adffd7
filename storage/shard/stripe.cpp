#include "storage/shard/stripe.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/varint.hpp"

namespace windrow::storage {

namespace {

constexpr char stripe_form = 2;

std::uint64_t stripe_checksum(std::span<const std::uint8_t> body, std::uint32_t stripe,
                              std::uint64_t folder_seed) {
  return XXH3_64bits_withSeed(body.data(), body.size(),
                              folder_seed ^ (0x9e3779b97f4a7c15 * (stripe + 1)));
}

template <class T>
int index_by_id(const std::vector<T>& all, std::uint64_t id) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& t) { return t.id == id; });
  return found == all.end() ? schema::none : static_cast<int>(found - all.begin());
}

/// Clocks are stored as what they lie behind the newest of their watermark group, plus one; 0:
/// none.
void put_clock(std::string& out, std::int64_t clock, std::int64_t max_event_time) {
  const auto behind =
      static_cast<std::uint64_t>(max_event_time) - static_cast<std::uint64_t>(clock);
  put_varint(out, clock == no_time ? 0 : behind + 1);
}

std::int64_t read_clock(varint_reader& in, std::int64_t max_event_time) {
  const auto behind = in.varint<std::uint64_t>();
  if (behind == 0) return no_time;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(max_event_time) - (behind - 1));
}

void put_sources(std::string& out, const schema::plan& p, const source_progress& sources) {
  std::vector<std::int64_t> max_event_times = sources.max_event_times();
  max_event_times.resize(p.watermark_groups.size(), no_time);
  put_varint(out, p.watermark_groups.size());
  for (std::size_t i = 0; i < p.watermark_groups.size(); ++i) {
    put_raw(out, p.watermark_groups[i].id);
    put_zigzag(out, max_event_times[i]);
  }
  put_varint(out, sources.entries().size());
  for (const source_progress::entry& e : sources.entries()) {
    put_raw(out, e.partition);
    put_varint(out, e.generation);
    put_varint(out, e.at);
    const auto clocks = sources.clocks_of(e);
    for (std::size_t i = 0; i < p.watermark_groups.size(); ++i)
      put_clock(out, i < clocks.size() ? clocks[i] : no_time, max_event_times[i]);
  }
}

source_progress read_sources(varint_reader& in, const schema::plan& p) {
  source_progress sources(p.watermark_groups.size());
  std::vector<std::pair<int, std::int64_t>> watermark_groups;  // index in the plan, newest time
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    const auto id = in.raw<std::uint64_t>();
    watermark_groups.emplace_back(index_by_id(p.watermark_groups, id), in.zigzag());
  }
  std::vector<std::int64_t> clocks(p.watermark_groups.size());
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    source_progress::entry e;
    e.partition = in.raw<partition_id>();
    e.generation = in.varint<std::uint32_t>();
    e.at = in.varint<sequence>();
    clocks.assign(clocks.size(), no_time);
    for (const auto& [index, max_event_time] : watermark_groups) {
      const std::int64_t clock = read_clock(in, max_event_time);
      if (index != schema::none) clocks[static_cast<std::size_t>(index)] = clock;
    }
    if (in.ok()) sources.advance(e, clocks);
  }
  return sources;
}

}  // namespace

stripe_state::stripe_state(const schema::plan& p)
    : sources(p.watermark_groups.size()), series(p.all_series.size()), rules(p.rules.size()) {}

std::string encode_stripe(const schema::plan& p, const stripe_state& s, std::uint32_t stripe,
                          std::uint64_t folder_seed) {
  std::string body;
  body.push_back(stripe_form);
  put_varint(body, s.catalog_version);
  put_varint(body, s.log_offset);
  put_sources(body, p, s.sources);
  put_varint(body, p.all_series.size());
  for (std::size_t i = 0; i < p.all_series.size(); ++i) {
    const series_origin origin = i < s.series.size() ? s.series[i] : series_origin{};
    put_raw(body, p.all_series[i].id);
    put_varint(body, std::uint64_t{origin.generation} << 1 | (origin.begins != no_time));
    if (origin.begins != no_time) put_zigzag(body, origin.begins);
  }
  put_varint(body, p.rules.size());
  for (std::size_t i = 0; i < p.rules.size(); ++i) {
    const rule_account account = i < s.rules.size() ? s.rules[i] : rule_account{};
    put_raw(body, p.rules[i].id);
    put_varint(body, account.late);
    put_varint(body, account.rows);
    put_varint(body, account.bytes);
  }
  put_zigzag(body, s.swept);
  std::string out;
  put_raw(out, stripe_checksum(as_bytes(body), stripe, folder_seed));
  return out + body;
}

result<stripe_state> decode_stripe(const schema::plan& p, std::span<const std::uint8_t> bytes,
                                   std::uint32_t stripe, std::uint64_t folder_seed) {
  const auto bad = [&](std::string_view what) {
    return failure{errc::corrupt,
                   "stripe " + std::to_string(stripe) + " of the shard " + std::string(what) +
                       "; restore the folder from a backup, or replay its sources into a new one"};
  };
  varint_reader in(bytes);
  const auto sum = in.raw<std::uint64_t>();
  if (!in.ok() || sum != stripe_checksum(in.rest(), stripe, folder_seed))
    return bad("fails its checksum");
  if (in.raw<std::uint8_t>() != stripe_form) return bad("has an unknown form");
  stripe_state s(p);
  s.catalog_version = in.varint<std::uint32_t>();
  s.log_offset = in.varint<sequence>();
  s.sources = read_sources(in, p);
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    const int index = index_by_id(p.all_series, in.raw<std::uint64_t>());
    const auto generation = in.varint<std::uint64_t>();
    series_origin origin{static_cast<std::uint32_t>(generation >> 1)};
    if (generation & 1) origin.begins = in.zigzag();
    if (index != schema::none) s.series[static_cast<std::size_t>(index)] = origin;
  }
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    const int index = index_by_id(p.rules, in.raw<std::uint64_t>());
    rule_account account;
    account.late = in.varint<std::uint64_t>();
    account.rows = in.varint<std::uint64_t>();
    account.bytes = in.varint<std::uint64_t>();
    if (index != schema::none) s.rules[static_cast<std::size_t>(index)] = account;
  }
  s.swept = in.zigzag();
  if (!in.ok() || !in.done()) return bad("cannot be read");
  return s;
}

}  // namespace windrow::storage
