// The fastest way known to do this work on two cores: one thread parses and routes, the other folds
// into one compact record a user, fetched ahead of its turn.
#include <simdjson.h>
#include <xxhash.h>

#include <cmath>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "benchmarks/baseline.hpp"

namespace windrow::bench {

namespace {

constexpr std::size_t batch_rows = 1024;
constexpr std::size_t series_count = baseline_series_all.size();

struct row_batch {
  std::vector<std::uint64_t> hashes;
  std::vector<std::uint32_t> key_ends;
  std::vector<char> keys;
  std::vector<double> amounts;
  std::vector<std::int64_t> times;

  row_batch() {
    hashes.reserve(batch_rows), key_ends.reserve(batch_rows), keys.reserve(batch_rows * 16);
    amounts.reserve(batch_rows), times.reserve(batch_rows);
  }
  void clear() { hashes.clear(), key_ends.clear(), keys.clear(), amounts.clear(), times.clear(); }
};
using row_batch_ptr = std::unique_ptr<row_batch>;

/// Hands batches over, a bounded number under way.
class batch_queue {
public:
  void push(row_batch_ptr batch) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return batches_.size() < 64; });
    batches_.push_back(std::move(batch));
    more_.notify_one();
  }
  void end() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    more_.notify_one();
  }
  /// Null at the end.
  row_batch_ptr pop() {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return ended_ || !batches_.empty(); });
    return take(batches_);
  }
  row_batch_ptr fresh() {
    std::lock_guard lock(mutex_);
    auto batch = take(used_);
    return batch ? std::move(batch) : std::make_unique<row_batch>();
  }
  void give_back(row_batch_ptr batch) {
    batch->clear();
    std::lock_guard lock(mutex_);
    used_.push_back(std::move(batch));
  }

private:
  row_batch_ptr take(std::deque<row_batch_ptr>& from) {
    if (from.empty()) return nullptr;
    auto batch = std::move(from.front());
    from.pop_front();
    room_.notify_one();
    return batch;
  }
  std::mutex mutex_;
  std::condition_variable more_, room_;
  std::deque<row_batch_ptr> batches_, used_;
  bool ended_ = false;
};

struct tile {
  std::uint32_t bucket;
  std::uint32_t count;
  double sum;
};

/// The head of a user's record; its key (padded) and the tiles of all series, side by side, follow.
struct record {
  std::uint32_t key_length;
  std::uint16_t tiles[series_count];
  std::uint16_t capacity;

  std::size_t body() const { return sizeof(record) + ((key_length + 7) & ~std::size_t{7}); }
  char* key() { return reinterpret_cast<char*>(this + 1); }
  tile* first() { return reinterpret_cast<tile*>(reinterpret_cast<char*>(this) + body()); }
  std::size_t total() const { return std::size_t{tiles[0]} + tiles[1] + tiles[2]; }
};

/// Blocks of any size, reused by size.
class block_pool {
public:
  char* take(std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    if (size / 16 < free_.size() && !free_[size / 16].empty()) {
      char* block = free_[size / 16].back();
      free_[size / 16].pop_back();
      return block;
    }
    if (used_ + size > capacity_) {
      capacity_ = std::max<std::size_t>(std::size_t{4} << 20, size);
      chunks_.emplace_back(new char[capacity_]);
      used_ = 0;
    }
    char* block = chunks_.back().get() + used_;
    used_ += size;
    return block;
  }
  void give(char* block, std::size_t bytes) {
    const std::size_t size = rounded(bytes);
    if (size / 16 >= free_.size()) free_.resize(size / 16 + 1);
    free_[size / 16].push_back(block);
  }

private:
  static std::size_t rounded(std::size_t bytes) { return (bytes + 15) & ~std::size_t{15}; }
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::vector<std::vector<char*>> free_;
  std::size_t used_ = 0, capacity_ = 0;
};

/// All users, in one open-addressing table.
class user_table {
public:
  user_table() : slots_(std::size_t{1} << 20), mask_(slots_.size() - 1) {}

  void fold(const row_batch& b) {
    constexpr std::size_t far = 32, near = 16;
    const std::size_t rows = b.hashes.size();
    std::uint32_t begin = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      if (i + far < rows) __builtin_prefetch(&slots_[b.hashes[i + far] & mask_]);
      if (i + near < rows) {
        if (const record* next = slots_[b.hashes[i + near] & mask_].user) {
          __builtin_prefetch(next);
          __builtin_prefetch(reinterpret_cast<const char*>(next) + 64);
        }
      }
      record*& user = find(b.hashes[i], {b.keys.data() + begin, b.key_ends[i] - begin});
      begin = b.key_ends[i];
      for (std::size_t s = 0, before = 0; s < series_count; ++s) {
        add(user, s, before,
            static_cast<std::uint32_t>(b.times[i] / baseline_series_all[s].bucket_ms),
            b.amounts[i]);
        before += user->tiles[s];
      }
    }
  }

  void count(baseline_outcome& outcome) {
    outcome.distinct = static_cast<std::uint32_t>(users_);
    for (const slot& s : slots_) {
      if (!s.user) continue;
      const std::size_t end = s.user->total();
      for (std::size_t t = end - s.user->tiles[series_count - 1]; t < end; ++t) {
        outcome.total.add({s.user->first()[t].count, std::llround(s.user->first()[t].sum * 100)});
      }
    }
  }

private:
  struct slot {
    std::uint64_t hash = 0;
    record* user = nullptr;
  };
  static constexpr std::uint16_t first_capacity = 6;

  record*& find(std::uint64_t hash, std::string_view key) {
    std::size_t i = hash & mask_;
    for (; slots_[i].user; i = (i + 1) & mask_) {
      record* r = slots_[i].user;
      if (slots_[i].hash == hash && std::string_view(r->key(), r->key_length) == key)
        return slots_[i].user;
    }
    if ((users_ + 1) * 2 > slots_.size()) {
      grow();
      for (i = hash & mask_; slots_[i].user;) i = (i + 1) & mask_;
    }
    record head{static_cast<std::uint32_t>(key.size()), {}, first_capacity};
    char* block = pool_.take(head.body() + first_capacity * sizeof(tile));
    std::memcpy(block, &head, sizeof head);
    auto* r = reinterpret_cast<record*>(block);
    std::memcpy(r->key(), key.data(), key.size());
    ++users_;
    slots_[i] = {hash, r};
    return slots_[i].user;
  }

  void grow() {
    std::vector<slot> larger(slots_.size() * 2);
    mask_ = larger.size() - 1;
    for (const slot& s : slots_) {
      if (!s.user) continue;
      std::size_t i = s.hash & mask_;
      while (larger[i].user) i = (i + 1) & mask_;
      larger[i] = s;
    }
    slots_.swap(larger);
  }

  void add(record*& user, std::size_t series, std::size_t before, std::uint32_t bucket,
           double amount) {
    tile* t = user->first() + before;
    std::size_t at = user->tiles[series];
    while (at > 0 && t[at - 1].bucket > bucket) --at;
    if (at > 0 && t[at - 1].bucket == bucket) {
      ++t[at - 1].count;
      t[at - 1].sum += amount;
      return;
    }
    std::size_t total = user->total();
    std::size_t expired = 0;
    while (expired < at && t[expired].bucket + baseline_series_all[series].buckets_kept <= bucket)
      ++expired;
    if (expired > 0) {
      std::memmove(t, t + expired, (total - before - expired) * sizeof(tile));
      user->tiles[series] = static_cast<std::uint16_t>(user->tiles[series] - expired);
      total -= expired, at -= expired;
    }
    if (total == user->capacity) {
      const std::size_t old_bytes = user->body() + user->capacity * sizeof(tile);
      const auto capacity = static_cast<std::uint16_t>(user->capacity * 2);
      char* block = pool_.take(user->body() + capacity * sizeof(tile));
      std::memcpy(block, user, old_bytes);
      pool_.give(reinterpret_cast<char*>(user), old_bytes);
      user = reinterpret_cast<record*>(block);
      user->capacity = capacity;
      t = user->first() + before;
    }
    std::memmove(t + at + 1, t + at, (total - before - at) * sizeof(tile));
    t[at] = {bucket, 1, amount};
    ++user->tiles[series];
  }

  std::vector<slot> slots_;
  std::size_t mask_;
  std::size_t users_ = 0;
  block_pool pool_;
};

bool parse(std::string_view text, batch_queue& queue) {
  simdjson::ondemand::parser parser;
  auto batch = queue.fresh();
  for (std::size_t at = 0; at < text.size();) {
    const void* newline = std::memchr(text.data() + at, '\n', text.size() - at);
    const std::size_t end =
        newline ? static_cast<std::size_t>(static_cast<const char*>(newline) - text.data())
                : text.size();
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    std::string_view user;
    double amount = 0;
    std::int64_t time = 0;
    if (parser.iterate(text.data() + at, end - at, end - at + simdjson::SIMDJSON_PADDING)
            .get(document) ||
        document.get_object().get(object) || object["user_id"].get(user) ||
        object["amount"].get(amount) || object["ts"].get(time)) {
      return false;
    }
    batch->hashes.push_back(XXH3_64bits(user.data(), user.size()));
    batch->keys.insert(batch->keys.end(), user.begin(), user.end());
    batch->key_ends.push_back(static_cast<std::uint32_t>(batch->keys.size()));
    batch->amounts.push_back(amount);
    batch->times.push_back(time);
    if (batch->hashes.size() == batch_rows) {
      queue.push(std::move(batch));
      batch = queue.fresh();
    }
    at = end + 1;
  }
  queue.push(std::move(batch));
  return true;
}

}  // namespace

baseline_outcome run_ceiling(std::string_view padded_text) {
  baseline_outcome outcome;
  batch_queue queue;
  user_table users;
  const stopwatch watch;
  std::thread folding([&] {
    while (auto batch = queue.pop()) {
      users.fold(*batch);
      queue.give_back(std::move(batch));
    }
  });
  const bool parsed = parse(padded_text, queue);
  queue.end();
  folding.join();
  outcome.seconds = watch.seconds();
  outcome.cpu_seconds = watch.cpu_seconds();
  if (parsed) users.count(outcome);
  return outcome;
}

}  // namespace windrow::bench
