#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "base/arena.hpp"
#include "storage/window/partials/all.hpp"
#include "storage/window/tile.hpp"

namespace windrow::storage {
namespace {

using schema::partial_kind;

// ---- tiles -------------------------------------------------------------------------------------

batch_column ints(std::vector<std::optional<std::int64_t>> values) {
  batch_column c;
  c.kind = schema::value_kind::integer;
  for (const auto& v : values) c.ints.push_back(v.value_or(99)), c.valid.push_back(v ? 1 : 0);
  return c;
}
batch_column floats(std::vector<std::optional<double>> values) {
  batch_column c;
  c.kind = schema::value_kind::floating;
  for (const auto& v : values) c.floats.push_back(v.value_or(99)), c.valid.push_back(v ? 1 : 0);
  return c;
}
batch_column bools(const std::vector<std::optional<bool>>& values) {
  batch_column c;
  c.kind = schema::value_kind::boolean;
  for (const auto& v : values) c.bools.push_back(v.value_or(true)), c.valid.push_back(v ? 1 : 0);
  return c;
}

/// Argument 0 is an int, argument 1 a float, argument 2 a bool, all nullable; every partial there
/// is of each.
schema::tiling every_partial() {
  schema::tiling t;
  t.partials = {
      {partial_kind::non_null, 0},  {partial_kind::sum_int, 0},   {partial_kind::min_int, 0},
      {partial_kind::max_int, 0},   {partial_kind::distinct, 0},  {partial_kind::non_null, 1},
      {partial_kind::sum_float, 1}, {partial_kind::min_float, 1}, {partial_kind::max_float, 1},
      {partial_kind::moments, 1},   {partial_kind::truths, 2}};
  return t;
}
enum cell {
  count_0,
  sum_0,
  min_0,
  max_0,
  distinct_0,
  count_1,
  sum_1,
  min_1,
  max_1,
  moments_1,
  truths_2
};

/// A cell of a total.
template <class T>
T cell_of(const tile_type& type, const tile_total& total, int cell) {
  T v;
  std::memcpy(&v, total.tile() + type.form(true).cells[static_cast<std::size_t>(cell)].offset,
              sizeof v);
  return v;
}
std::uint64_t distinct_of(const tile_type& type, const tile_total& total, int cell) {
  const auto* sketch = cell_of<const distinct_sketch*>(type, total, cell);
  return sketch ? sketch->estimate() : 0;
}

/// One tile that widens itself, as its container would.
class widening_tile {
public:
  using columns = std::span<const batch_column* const>;

  explicit widening_tile(const tile_type& type) : type_(&type), bytes_(type.form(false).stride) {
    type.create(bytes_.data(), false, 5);
  }
  widening_tile(const widening_tile&) = delete;
  ~widening_tile() { type_->destroy(bytes_.data(), wide_); }

  void fold(columns of, std::size_t row) {
    if (folds(of, row)) return;
    ASSERT_FALSE(wide_);
    widen();
    ASSERT_TRUE(folds(of, row));
  }
  bool folds(columns of, std::size_t row) {
    return type_->fold(bytes_.data(), wide_, {of, row, 0, 1, row});
  }
  void widen() {
    std::vector<std::byte> to(type_->form(true).stride);
    type_->widen(bytes_.data(), to.data());
    bytes_ = std::move(to);
    wide_ = true;
  }
  tile_total total() const {
    tile_total t(*type_);
    t.merge(bytes_.data(), wide_);
    return t;
  }
  std::string encoded() const {
    std::string out;
    type_->encode(out, bytes_.data(), wide_);
    return out;
  }
  bool wide() const { return wide_; }
  std::byte* data() { return bytes_.data(); }

private:
  const tile_type* type_;
  std::vector<std::byte> bytes_;
  bool wide_ = false;
};

void expect_same(const tile_type& type, const tile_total& a, const tile_total& b) {
  EXPECT_EQ(a.rows(), b.rows());
  for (const int cell : {count_0, count_1}) {
    EXPECT_EQ(cell_of<std::uint64_t>(type, a, cell), cell_of<std::uint64_t>(type, b, cell));
  }
  EXPECT_TRUE(cell_of<int128>(type, a, sum_0) == cell_of<int128>(type, b, sum_0));
  for (const int cell : {min_0, max_0}) {
    EXPECT_EQ(cell_of<std::int64_t>(type, a, cell), cell_of<std::int64_t>(type, b, cell));
  }
  EXPECT_EQ(distinct_of(type, a, distinct_0), distinct_of(type, b, distinct_0));
  EXPECT_NEAR(cell_of<partials::float_sum>(type, a, sum_1).total(),
              cell_of<partials::float_sum>(type, b, sum_1).total(), 1e-6);
  for (const int cell : {min_1, max_1}) {
    EXPECT_EQ(cell_of<double>(type, a, cell), cell_of<double>(type, b, cell));
  }
  const auto one = cell_of<partials::moment_pair>(type, a, moments_1);
  const auto other = cell_of<partials::moment_pair>(type, b, moments_1);
  EXPECT_NEAR(one.mean, other.mean, 1e-9);
  EXPECT_NEAR(one.m2, other.m2, 1e-9 * std::abs(other.m2) + 1e-9);
  EXPECT_EQ(cell_of<std::byte>(type, a, truths_2), cell_of<std::byte>(type, b, truths_2));
}

struct random_rows {
  batch_column a, b, c;
  std::vector<const batch_column*> columns;
  std::vector<std::size_t> order;

  random_rows(std::uint64_t seed, std::size_t n) {
    std::mt19937_64 random(seed);
    std::vector<std::optional<std::int64_t>> whole;
    std::vector<std::optional<double>> real;
    std::vector<std::optional<bool>> flags;
    const std::uint64_t rare = seed % 4;  // only true, only false, or both
    for (std::size_t i = 0; i < n; ++i) {
      const bool huge = random() % 8 == 0;
      whole.push_back(std::nullopt), real.push_back(std::nullopt);
      if (random() % 4)
        whole.back() =
            huge ? static_cast<std::int64_t>(random()) : static_cast<std::int64_t>(random() % 50);
      if (random() % 4) real.back() = static_cast<double>(random() % 10'000) / 128 - 30;
      flags.push_back(random() % 4 ? std::optional(rare == 0 || (rare > 1 && random() % 2))
                                   : std::nullopt);
      order.push_back(i);
    }
    a = ints(whole), b = floats(real), c = bools(flags);
    columns = {&a, &b, &c};
  }
};

TEST(Tile, HasEveryPartialOfTheTable) {
  std::set<partial_kind> here;
  for (const schema::partial& p : every_partial().partials) here.insert(p.kind);
  EXPECT_EQ(here.size(), schema::partial_kind_count);
}

TEST(Tile, FoldsWhatTheRowsSay) {
  const tile_type type(every_partial());
  const batch_column a = ints({4, std::nullopt, -2, 4}), b = floats({1.5, 2.5, std::nullopt, -1.0});
  const batch_column c = bools({std::nullopt, false, std::nullopt, false});
  const std::vector<const batch_column*> columns{&a, &b, &c};
  widening_tile tile(type);
  for (std::size_t row = 0; row < 4; ++row) tile.fold(columns, row);
  const tile_total t = tile.total();
  EXPECT_EQ(t.rows(), 4u);
  EXPECT_EQ(cell_of<std::uint64_t>(type, t, count_0), 3u);
  EXPECT_TRUE(cell_of<int128>(type, t, sum_0) == 6);
  EXPECT_EQ(cell_of<std::int64_t>(type, t, min_0), -2);
  EXPECT_EQ(cell_of<std::int64_t>(type, t, max_0), 4);
  EXPECT_EQ(distinct_of(type, t, distinct_0), 2u);
  EXPECT_EQ(cell_of<std::uint64_t>(type, t, count_1), 3u);
  EXPECT_EQ(cell_of<partials::float_sum>(type, t, sum_1).total(), 3.0);
  EXPECT_EQ(cell_of<double>(type, t, min_1), -1.0);
  EXPECT_EQ(cell_of<double>(type, t, max_1), 2.5);
  const auto moments = cell_of<partials::moment_pair>(type, t, moments_1);
  EXPECT_EQ(moments.mean, 1.0);
  EXPECT_EQ(moments.m2, 6.5);  // 0.25 + 2.25 + 4
  EXPECT_EQ(cell_of<std::byte>(type, t, truths_2), std::byte{2});
  EXPECT_FALSE(tile.wide());
  EXPECT_EQ(tile_type::bucket(tile.data()), 5u);
}

TEST(Tile, DoesNotDependOnOrderOrOnHowItWasMerged) {
  const tile_type type(every_partial());
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    random_rows rows(seed, 1 + seed * 5);
    widening_tile whole(type), low(type), high(type);
    for (const std::size_t row : rows.order) whole.fold(rows.columns, row);
    std::mt19937_64 random(seed);
    std::shuffle(rows.order.begin(), rows.order.end(), random);
    for (const std::size_t row : rows.order) (random() % 3 ? low : high).fold(rows.columns, row);
    tile_total one = low.total(), other = high.total();
    one.merge(high.data(), high.wide());
    other.merge(low.data(), low.wide());
    expect_same(type, one, whole.total());
    expect_same(type, other, whole.total());
  }
}

TEST(Tile, ReadsBackWhatItWrote) {
  const tile_type type(every_partial());
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    const random_rows rows(seed, seed * 3);
    widening_tile tile(type), again(type);
    for (const std::size_t row : rows.order) tile.fold(rows.columns, row);
    const std::string bytes = tile.encoded();
    if (tile.wide()) again.widen();
    varint_reader in({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    ASSERT_TRUE(type.decode(in, again.data(), tile.wide()));
    EXPECT_TRUE(in.done());
    EXPECT_EQ(again.encoded(), bytes);
    expect_same(type, again.total(), tile.total());
  }
}

TEST(Tile, RefusesTruncatedBytes) {
  const tile_type type(every_partial());
  const random_rows rows(3, 30);
  widening_tile tile(type);
  for (const std::size_t row : rows.order) tile.fold(rows.columns, row);
  const std::string bytes = tile.encoded();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    widening_tile into(type);
    into.widen();
    varint_reader in({reinterpret_cast<const std::uint8_t*>(bytes.data()), n});
    EXPECT_FALSE(type.decode(in, into.data(), true)) << n;
  }
}

TEST(Tile, WidensBeforeASumOverflowsAndChangesNothingBefore) {
  schema::tiling t;
  t.partials = {{partial_kind::sum_int, 0}};
  const tile_type type(t);
  const batch_column a = ints({INT64_MAX, 1, INT64_MIN});
  const std::vector<const batch_column*> columns{&a};
  widening_tile tile(type);
  tile.fold(columns, 0);
  const std::string before = tile.encoded();
  EXPECT_FALSE(tile.folds(columns, 1));
  EXPECT_EQ(tile.encoded(), before);
  tile.fold(columns, 1);
  EXPECT_TRUE(tile.wide());
  EXPECT_TRUE(cell_of<int128>(type, tile.total(), 0) == static_cast<int128>(INT64_MAX) + 1);
  tile.fold(columns, 2);
  EXPECT_TRUE(cell_of<int128>(type, tile.total(), 0) == 0);
}

TEST(Tile, WidensWhereTheCountIsFull) {
  schema::tiling t;
  t.partials = {{partial_kind::non_null, 0}, {partial_kind::sum_int, 0}};
  const tile_type type(t);
  const batch_column a = ints({2, 3});
  const std::vector<const batch_column*> columns{&a};
  // As stored: the rows and that no sum has lost anything, no nulls, a sum of 0.
  std::string bytes;
  put_varint(bytes, std::uint64_t{UINT32_MAX - 1} << 1 | 1);
  bytes += std::string(2, '\0');
  widening_tile tile(type);
  varint_reader in({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  ASSERT_TRUE(type.decode(in, tile.data(), false));
  tile.fold(columns, 0);
  EXPECT_FALSE(tile.wide());
  tile.fold(columns, 1);
  EXPECT_TRUE(tile.wide());
  EXPECT_EQ(tile.total().rows(), std::uint64_t{UINT32_MAX} + 1);
  EXPECT_EQ(cell_of<std::uint64_t>(type, tile.total(), 0), std::uint64_t{UINT32_MAX} + 1);
  EXPECT_TRUE(cell_of<int128>(type, tile.total(), 1) == 5);
}

/// A wide tile of one int sum, from its stored form.
std::string stored_sum(std::uint64_t rows, int128 sum) {
  std::string bytes;
  put_varint(bytes, static_cast<uint128>(rows) << 1 | 1);
  put_zigzag128(bytes, sum);
  return bytes;
}

TEST(Tile, MergesIntoANarrowTileOnlyWhatFits) {
  schema::tiling t;
  t.partials = {{partial_kind::sum_int, 0}};
  const tile_type type(t);
  const auto merges = [&](const std::string& bytes) {
    widening_tile narrow(type), wide(type);
    wide.widen();
    varint_reader in({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    EXPECT_TRUE(type.decode(in, wide.data(), true));
    const bool merged = type.merge(narrow.data(), false, wide.data(), true);
    EXPECT_EQ(merged ? narrow.encoded() : stored_sum(0, 0), merged ? bytes : narrow.encoded());
    narrow.widen();
    EXPECT_TRUE(merged || type.merge(narrow.data(), true, wide.data(), true));
    EXPECT_EQ(narrow.encoded(), bytes);
    // A narrow tile does not take a wide one's bytes either.
    widening_tile again(type);
    varint_reader once_more({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    EXPECT_EQ(type.decode(once_more, again.data(), false), merged);
    return merged;
  };
  EXPECT_TRUE(merges(stored_sum(UINT32_MAX, INT64_MIN)));
  EXPECT_FALSE(merges(stored_sum(std::uint64_t{UINT32_MAX} + 1, 0)));
  EXPECT_FALSE(merges(stored_sum(1, static_cast<int128>(INT64_MIN) - 1)));
}

TEST(Tile, CompensatesFloatSums) {
  schema::tiling t;
  t.partials = {{partial_kind::sum_float, 0}};
  const tile_type type(t);
  const batch_column a = floats({1e16, 1.0, -1e16, 1.0});
  const std::vector<const batch_column*> columns{&a};
  widening_tile tile(type), again(type);
  for (std::size_t row = 0; row < 4; ++row) tile.fold(columns, row);
  EXPECT_EQ(cell_of<partials::float_sum>(type, tile.total(), 0).total(), 2.0);
  const std::string bytes = tile.encoded();
  varint_reader in({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  ASSERT_TRUE(type.decode(in, again.data(), false));
  EXPECT_EQ(cell_of<partials::float_sum>(type, again.total(), 0).total(), 2.0);
}

// ---- distinct ----------------------------------------------------------------------------------

std::uint64_t hash_of(std::uint64_t number) { return distinct_hash(&number, sizeof number); }

TEST(DistinctSketch, IsExactUpToItsLimit) {
  distinct_sketch sketch;
  EXPECT_EQ(sketch.estimate(), 0u);
  for (std::uint64_t i = 0; i < distinct_sketch::exact_limit; ++i) {
    sketch.add(hash_of(i));
    sketch.add(hash_of(i / 2));
    ASSERT_EQ(sketch.estimate(), i + 1);
  }
  EXPECT_FALSE(sketch.dense());
  sketch.add(hash_of(1u << 20));
  EXPECT_TRUE(sketch.dense());
}

TEST(DistinctSketch, HasAStandardErrorOfAtMostTwoPercentAboveIt) {
  for (const std::uint64_t n : {1'100u, 2'000u, 5'000u, 12'000u, 40'000u, 200'000u}) {
    double squares = 0, bias = 0;
    constexpr int runs = 60;
    for (int run = 0; run < runs; ++run) {
      distinct_sketch sketch;
      const std::uint64_t start = (static_cast<std::uint64_t>(run) << 40) + n;
      for (std::uint64_t i = 0; i < n; ++i) sketch.add(hash_of(start + i));
      const double error = static_cast<double>(sketch.estimate()) / static_cast<double>(n) - 1;
      squares += error * error, bias += error;
    }
    std::cout << n << ": standard error " << std::sqrt(squares / runs) << ", bias " << bias / runs
              << '\n';
    EXPECT_LE(std::sqrt(squares / runs), 0.02) << n;
    EXPECT_LE(std::abs(bias / runs), 0.01) << n;
  }
}

TEST(DistinctSketch, DependsOnTheSetAlone) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> hashes(random() % 3'000);
    for (auto& h : hashes) h = hash_of(random() % 2'000);
    distinct_sketch whole, parts[3];
    for (const auto h : hashes) whole.add(h);
    std::shuffle(hashes.begin(), hashes.end(), random);
    for (const auto h : hashes) parts[random() % 3].add(h);
    distinct_sketch forth = parts[0], back = parts[2];
    forth.merge(parts[1]), forth.merge(parts[2]);
    back.merge(parts[1]), back.merge(parts[0]), back.merge(parts[0]);
    EXPECT_EQ(forth, whole);
    EXPECT_EQ(back, whole);
  }
}

TEST(DistinctSketch, ReadsBackWhatItWroteAndRefusesDamage) {
  for (const std::uint64_t n : {0u, 1u, 3u, 1'024u, 1'025u, 50'000u}) {
    distinct_sketch sketch, again;
    for (std::uint64_t i = 0; i < n; ++i) sketch.add(hash_of(i));
    std::string bytes;
    sketch.encode(bytes);
    const std::size_t size = bytes.size();
    bytes += "rest";
    std::span<const std::uint8_t> in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size());
    ASSERT_TRUE(again.decode(in));
    EXPECT_EQ(again, sketch);
    EXPECT_EQ(in.size(), 4u);
    for (std::size_t cut = 0; cut < size; cut += 1 + size / 50) {
      std::span<const std::uint8_t> less(reinterpret_cast<const std::uint8_t*>(bytes.data()), cut);
      EXPECT_FALSE(again.decode(less)) << n << " cut at " << cut;
    }
  }
}

TEST(DistinctSketch, RefusesHashesOutOfOrderAndRegistersOutOfRange) {
  const auto decodes = [](const std::string& bytes) {
    distinct_sketch sketch;
    std::span<const std::uint8_t> in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                     bytes.size());
    return sketch.decode(in);
  };
  std::string twice{0, 2, 5, 0}, over{0, 2, 5}, form{7}, many{0};
  put_varint(over, UINT64_MAX);  // 5 and then 4
  put_varint(many, std::uint64_t{1'025});
  many.append(1'025, '\1');
  EXPECT_FALSE(decodes(twice));
  EXPECT_FALSE(decodes(over));
  EXPECT_FALSE(decodes(form));
  EXPECT_FALSE(decodes(many));
  EXPECT_FALSE(decodes(std::string(1, '\1') + std::string(3'072, '\xff')));
  EXPECT_TRUE(decodes(std::string{0, 2, 5, 1}));
}

// ---- arena -------------------------------------------------------------------------------------

TEST(Arena, GivesBlocksThatDoNotOverlap) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    arena memory;
    struct held {
      std::uint32_t capacity;
      std::uint8_t mark;
    };
    std::map<std::uintptr_t, held> blocks;
    std::size_t used = 0;
    const auto release = [&](std::map<std::uintptr_t, held>::iterator at) {
      const auto [address, block] = *at;
      auto* data = reinterpret_cast<std::uint8_t*>(address);
      for (std::uint32_t i = 0; i < block.capacity; ++i) ASSERT_EQ(data[i], block.mark);
      memory.release(data, block.capacity);
      used -= block.capacity;
      blocks.erase(at);
    };
    for (int i = 0; i < 6'000; ++i) {
      if (!blocks.empty() && random() % 5 < (i < 3'000 ? 2 : 3)) {
        auto at = blocks.lower_bound(std::prev(blocks.end())->first - random() % (1 << 21));
        release(at == blocks.end() ? blocks.begin() : at);
        continue;
      }
      const std::size_t wanted = 1 + random() % (random() % 10 ? 600 : 20'000);
      const arena::block block = memory.allocate(wanted);
      ASSERT_GE(block.capacity, wanted);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.data) % 16, 0u);
      auto* data = static_cast<std::uint8_t*>(block.data);
      const auto address = reinterpret_cast<std::uintptr_t>(data);
      const auto after = blocks.lower_bound(address);
      if (after != blocks.end()) {
        ASSERT_LE(address + block.capacity, after->first);
      }
      if (after != blocks.begin()) {
        ASSERT_LE(std::prev(after)->first + std::prev(after)->second.capacity, address);
      }
      const auto mark = static_cast<std::uint8_t>(random());
      std::memset(data, mark, block.capacity);
      blocks[address] = {block.capacity, mark};
      used += block.capacity;
      ASSERT_EQ(memory.live(), used);
      ASSERT_GE(memory.used(), used);
      ASSERT_GE(memory.held(), memory.used());
    }
    while (!blocks.empty()) release(blocks.begin());
    EXPECT_EQ(memory.live(), 0u);
    EXPECT_EQ(memory.used(), 0u);
  }
}

TEST(Arena, WastesAtMostAQuarterOfABlockAbove64Bytes) {
  arena memory;
  for (std::size_t bytes = 64; bytes <= 40'000; bytes += 7) {
    const arena::block block = memory.allocate(bytes);
    EXPECT_LE(block.capacity, bytes + bytes / 4 + (bytes > 8'192 ? 4'096 : 16)) << bytes;
    memory.release(block.data, block.capacity);
  }
}

TEST(Arena, EmptiesSlabsWhenWhatIsSparseMoves) {
  arena memory;
  std::mt19937_64 random(7);
  std::vector<arena::block> blocks;
  for (int i = 0; i < 40'000; ++i) blocks.push_back(memory.allocate(200));
  const std::size_t before = memory.used();
  std::shuffle(blocks.begin(), blocks.end(), random);
  for (int i = 0; i < 36'000; ++i) {
    memory.release(blocks.back().data, blocks.back().capacity);
    blocks.pop_back();
  }
  EXPECT_GT(memory.used() * 10, before * 9);  // one in ten blocks keeps nearly every slab
  for (arena::block& b : blocks) {
    if (!memory.sparse(b.data, b.capacity)) continue;
    const arena::block moved = memory.allocate(b.capacity);
    memory.release(b.data, b.capacity);
    b = moved;
  }
  EXPECT_LT(memory.used(), memory.live() * 2 + 128 * 1024);
}

TEST(Arena, GivesMemoryFromOneClassToAnother) {
  arena memory;
  std::vector<arena::block> blocks;
  for (const std::size_t bytes : {100u, 300u, 1'000u, 5'000u, 64u}) {
    for (std::size_t total = 0; total < 8'000'000; total += bytes)
      blocks.push_back(memory.allocate(bytes));
    for (const arena::block& b : blocks) memory.release(b.data, b.capacity);
    blocks.clear();
    EXPECT_LE(memory.held(), 14'000'000u) << bytes;
  }
  const arena::block big = memory.allocate(1'000'000);
  const std::size_t with = memory.held();
  memory.release(big.data, big.capacity);
  EXPECT_LE(memory.held() + 1'000'000, with);  // a large block goes back to the system
}

}  // namespace
}  // namespace windrow::storage
