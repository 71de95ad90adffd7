#include <malloc.h>

#include <algorithm>

#include "benchmarks/benchmarks.hpp"
#include "benchmarks/child.hpp"
#include "benchmarks/events.hpp"
#include "benchmarks/lone_shard.hpp"
#include "benchmarks/node_run.hpp"

namespace windrow::bench {

namespace {

constexpr std::uint32_t users_in_a_batch = 1000;

struct sizes {
  double memory = 0;    ///< bytes of records and table, as the shard counts them
  double resident = 0;  ///< bytes the process grew by
  double encoded = 0;   ///< bytes of keys and values written
  double file = 0;      ///< pages in use
};

/// A row a user and minute, in minutes that follow each other.
result<void> fill(lone_shard& shard, std::uint32_t users, int tiles) {
  const schema::route& route = shard.plan()->routes.front();
  std::vector<storage::section> sections;
  for (std::uint32_t user = 0; user < users; user += users_in_a_batch) {
    sections.push_back(shard.section_of(user, std::min(users, user + users_in_a_batch)));
    storage::section& s = sections.back();
    s.columns.resize(route.columns.size());
    for (auto& column : s.columns) column.ints.assign(s.rows(), 0);
    for (std::uint32_t i = 0; i < s.rows(); ++i) s.sequences.push_back(i);
  }
  storage::sequence last = 0;
  for (int t = 0; t < tiles; ++t) {
    const std::int64_t time = (first_event_ms + t * 60'000LL) * 1000;
    for (std::size_t k = 0; k < sections.size(); ++k) {
      storage::batch b;
      b.partition = 1;
      b.first = last + 1;
      last += users_in_a_batch;
      b.last = last;
      b.catalog_version = shard.plan()->catalog_version;
      b.max_event_times.assign(shard.plan()->watermark_groups.size(), time);
      b.sections.push_back(sections[k]);
      storage::section& s = b.sections.front();
      b.rows = s.rows();
      s.times.assign(s.rows(), time);
      for (auto& column : s.columns) {
        for (std::size_t i = 0; i < s.rows(); ++i)
          column.ints[i] = static_cast<std::int64_t>((k + i) % 900 + 100) * (t + 1);
      }
      auto applied = shard.core().apply(b);
      if (!applied) return applied.error();
    }
  }
  return {};
}

std::int64_t wanted_sum(std::uint32_t user, int tiles) {
  return static_cast<std::int64_t>((user / users_in_a_batch + user % users_in_a_batch) % 900 +
                                   100) *
         tiles * (tiles + 1) / 2;
}

result<void> write_all(lone_shard& shard, sizes& into) {
  shard.core().begin_cycle();
  while (shard.core().cycle_active()) {
    auto write = shard.core().next_write(1 << 20);
    if (!write) break;
    for (const auto& e : write->entries) into.encoded += static_cast<double>(e.key.size() + e.size);
    write->seal(lone_shard::folder_seed);
    if (auto done = storage::commit(shard.store(), *write); !done) return done;
    shard.core().committed(*write);
  }
  auto stats = shard.store().stats();
  if (!stats) return stats.error();
  into.file = static_cast<double>(stats->used_bytes - stats->free_bytes);
  return {};
}

result<sizes> measure(const settings& s, std::uint32_t users, int tiles, report& out) {
  const scratch_folder folder(s, "sizes");
  declared features;
  features.windows = {"1h"};
  features.materialization = "{ bucket_duration: 1m }";
  features.amount_type = "int";
  features.mean = false;
  malloc_trim(0);
  const auto before = static_cast<double>(resident_bytes());
  auto shard = lone_shard::make(features, folder.path(), std::size_t{64} << 30);
  if (!shard) return shard.error();
  if (auto filled = fill(**shard, users, tiles); !filled) return filled.error();
  malloc_trim(0);  // the batches
  sizes found;
  found.resident = static_cast<double>(resident_bytes()) - before;
  const auto memory = (*shard)->core().memory();
  out.check(memory.in_memory == users, "entities: " + std::to_string(memory.in_memory));
  found.memory = static_cast<double>(memory.records + memory.table);
  if (auto written = write_all(**shard, found); !written) return written.error();
  const std::int64_t now = (first_event_ms + tiles * 60'000LL) * 1000 - 1;
  for (std::uint32_t user = 0; user < users; user += users / 100) {
    auto answer = (*shard)->core().lookup((*shard)->request(user, "amount_sum[1h]", now));
    const bool right = answer && answer->windows[0].value &&
                       answer->windows[0].events == static_cast<std::uint64_t>(tiles) &&
                       std::get<std::int64_t>(*answer->windows[0].value) == wanted_sum(user, tiles);
    out.check(right, "the sum of " + user_name(user));
    if (!right) break;
  }
  return found;
}

}  // namespace

void measure_sizes(const settings& s, report& out) {
  out.begin("sizes");
  constexpr int few = 2, many = 52;
  const std::uint32_t users = s.users, some = s.users / 5;
  auto wide = measure(s, users, few, out);
  auto low = measure(s, some, few, out);
  auto high = measure(s, some, many, out);
  if (!wide || !low || !high)
    return out.failed(!wide ? wide.error() : !low ? low.error() : high.error());
  const auto a_tile = [&](double sizes::*what) {
    return ((*high).*what - (*low).*what) / (some * double{many - few});
  };
  const auto an_entity = [&](double sizes::*what) {
    return (*wide).*what / users - few * a_tile(what);
  };
  out.add({"memory, an entity beside its buckets",
           "bytes",
           {an_entity(&sizes::memory)},
           120,
           {},
           true});
  out.add({"memory, a tile of count and int sum", "bytes", {a_tile(&sizes::memory)}, 24, {}, true});
  out.add({"resident, an entity beside its buckets",
           "bytes",
           {an_entity(&sizes::resident)},
           {},
           {},
           true});
  out.add({"resident, a tile", "bytes", {a_tile(&sizes::resident)}, {}, {}, true});
  out.add({"disk, a tile, encoded", "bytes", {a_tile(&sizes::encoded)}, 16, {}, true});
  out.add({"disk, a tile, pages of the file", "bytes", {a_tile(&sizes::file)}, 16, {}, true});
  out.add({"disk, an entity beside its buckets", "bytes", {an_entity(&sizes::file)}, {}, {}, true});
}

}  // namespace windrow::bench
