#include "storage/dedup/dedup_tracks.hpp"

#include <algorithm>
#include <array>

#include "base/checksum.hpp"
#include "base/fault_injection.hpp"

namespace windrow::storage {

namespace {

using track_key = std::array<std::uint8_t, 4>;

}  // namespace

std::uint64_t hash_of_stream(std::string_view name) noexcept {
  return checksum(as_bytes(name), 0x7365656e);
}

dedup_tracks::dedup_tracks(std::span<const dedup_stream_rule> rules) {
  for (const dedup_stream_rule& rule : rules)
    streams_.push_back({hash_of_stream(rule.name), rule.within, no_time});
}

result<void> dedup_tracks::load(const dedup_files& files, const lmdb::read_transaction& txn) {
  return txn.scan(
      files.id(dedup_files::track_entries), {}, {}, [&](const lmdb::entry& found) -> result<bool> {
        auto value = files.unseal(dedup_files::track_entries, found);
        if (!value) return value.error();
        track t;
        byte_reader in(*value);
        t.stream_hash = in.number<std::uint64_t>();
        t.partition = in.number<partition_id>();
        t.decided = t.decided_durable = in.number<sequence>();
        t.max_event_time = t.max_event_time_durable = in.number<std::int64_t>();
        if (!in.done() || found.key.size() != sizeof(track_key) ||
            load_big<std::uint32_t>(found.key.data()) != tracks_.size() + 1)
          return files.damaged(dedup_files::track_entries, found.key);
        for (std::size_t i = 0; i < streams_.size(); ++i) {
          if (streams_[i].hash != t.stream_hash) continue;
          t.stream = static_cast<int>(i);
          streams_[i].max_event_time = std::max(streams_[i].max_event_time, t.max_event_time);
        }
        tracks_.push_back(t);
        numbers_[{t.stream_hash, t.partition}] = static_cast<std::uint32_t>(tracks_.size());
        return true;
      });
}

std::uint32_t dedup_tracks::number_of(int stream, partition_id partition) {
  const std::uint64_t hash = streams_[static_cast<std::size_t>(stream)].hash;
  std::uint32_t& number = numbers_[{hash, partition}];
  if (number == 0) {
    track t;
    t.stream_hash = hash;
    t.stream = stream;
    t.partition = partition;
    tracks_.push_back(t);
    number = static_cast<std::uint32_t>(tracks_.size());
  }
  return number;
}

std::int64_t dedup_tracks::within(const track& of) const noexcept {
  return streams_[static_cast<std::size_t>(of.stream)].within;
}

void dedup_tracks::note_max_event_time(track& of, std::int64_t time) noexcept {
  of.max_event_time = std::max(of.max_event_time, time);
  std::int64_t& of_stream = streams_[static_cast<std::size_t>(of.stream)].max_event_time;
  of_stream = std::max(of_stream, time);
}

bool dedup_tracks::remembered(const dedup_id& seen) const noexcept {
  if (seen.track == 0 || seen.track > tracks_.size()) return false;
  const track& t = tracks_[seen.track - 1];
  if (t.stream < 0) return false;
  const stream_state& stream = streams_[static_cast<std::size_t>(t.stream)];
  return seen.time >= t.max_event_time - stream.within &&
         seen.time >= stream.max_event_time - stream.within - partition_lag_max;
}

void dedup_tracks::forget(const positions& committed) {
  for (const auto& [partition, at] : committed) {
    sequence& passed = passed_[partition];
    passed = std::max(passed, at);
  }
}

dedup_limits dedup_tracks::limits() const {
  std::vector<std::int64_t> max_event_times(streams_.size(), no_time);
  const bool memory = fault_injected(dedup_failpoint::forgets_by_memory);
  for (const track& t : tracks_) {
    if (t.stream < 0) continue;
    auto& of_stream = max_event_times[static_cast<std::size_t>(t.stream)];
    of_stream = std::max(of_stream, memory ? t.max_event_time : t.max_event_time_durable);
  }
  dedup_limits limits;
  for (const track& t : tracks_) {
    dedup_limits::of_track limit;
    const auto passed = passed_.find(t.partition);
    if (passed != passed_.end()) limit.passed = passed->second;
    if (fault_injected(dedup_failpoint::forgets_what_may_be_replayed)) limit.passed = ~sequence{0};
    const std::int64_t durable = memory ? t.max_event_time : t.max_event_time_durable;
    if (t.stream < 0) {
      limit.time = INT64_MAX;
    } else if (durable != no_time) {
      const auto stream = static_cast<std::size_t>(t.stream);
      const std::int64_t within = streams_[stream].within;
      limit.time = std::max(durable - within, max_event_times[stream] - within - partition_lag_max);
    }
    limits.tracks.push_back(limit);
  }
  return limits;
}

std::vector<dedup_tracks::numbered> dedup_tracks::undurable() const {
  std::vector<numbered> changed;
  for (std::uint32_t i = 0; i < tracks_.size(); ++i)
    if (tracks_[i].decided != tracks_[i].decided_durable) changed.emplace_back(i + 1, tracks_[i]);
  return changed;
}

std::vector<dedup_tracks::numbered> dedup_tracks::undurable_of(
    const std::vector<track>& once) const {
  std::vector<numbered> changed;
  for (std::uint32_t i = 0; i < once.size(); ++i)
    if (once[i].decided > tracks_[i].decided_durable) changed.emplace_back(i + 1, once[i]);
  return changed;
}

void dedup_tracks::made_durable(std::span<const numbered> tracks) {
  for (const auto& [number, t] : tracks) {
    tracks_[number - 1].decided_durable = t.decided;
    tracks_[number - 1].max_event_time_durable = t.max_event_time;
  }
}

dedup_value dedup_tracks::encode(const numbered& track) {
  const auto& [number, t] = track;
  dedup_value out;
  out.key.resize(sizeof(track_key));
  store_big(out.key.data(), number);
  byte_writer to(out.value);
  to.number(t.stream_hash);
  to.number(t.partition);
  to.number(t.decided);
  to.number(t.max_event_time);
  seal_value("tracks", out.key, out.value);
  return out;
}

}  // namespace windrow::storage
