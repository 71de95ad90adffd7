// A partial that no plan names, in tiles as they are: what the recipe in docs/extending.md gives an
// aggregation is enough for one that reads the event time, the tie-break, a second argument and a
// parameter, whose forms differ, and that overflows.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <tuple>

#include "storage/window/basic_tile.hpp"
#include "storage/window/partials/all.hpp"

namespace windrow::storage {
namespace {

constexpr auto planted_kind = static_cast<schema::partial_kind>(200);

/// The sum of the argument over rows whose second argument is at least the parameter (as an int of
/// 32 bits, wide 64), and the argument of the last of them: by time, then partition, then sequence.
/// It overflows with an argument of `too_much` or more.
struct planted : partials::plain {
  static constexpr bool can_refuse = true;
  static constexpr bool reads_second = true;
  static constexpr bool reads_count = true;
  static constexpr bool can_overflow = true;
  static constexpr std::int64_t too_much = 985;

  struct last {
    std::int64_t time = INT64_MIN;
    std::uint64_t partition = 0, at = 0;
    std::int64_t value = 0;
    auto order() const { return std::tuple(time, partition, at); }
  };
  static constexpr std::size_t bytes(bool wide) noexcept {
    return sizeof(last) + 8 + (wide ? 8 : 0);
  }
  static std::int64_t sum(const std::byte* at, bool wide) noexcept {
    return wide ? partials::load<std::int64_t>(at + sizeof(last) + 8)
                : partials::load<std::int32_t>(at + sizeof(last));
  }
  static void set_sum(std::byte* at, bool wide, std::int64_t n) noexcept {
    if (wide) {
      partials::save(at + sizeof(last) + 8, n);
    } else {
      partials::save(at + sizeof(last), static_cast<std::int32_t>(n));
    }
  }
  // In bytes that no form of the sum uses.
  static bool overflowed(const std::byte* at) noexcept {
    return at[sizeof(last) + 4] != std::byte{0};
  }
  static void set_overflowed(std::byte* at) noexcept { at[sizeof(last) + 4] = std::byte{1}; }
  static bool counts(const partials::input& in) noexcept {
    return in.second->is_valid(in.row) && in.second->ints[in.row] >= in.parameter;
  }
  static void create(std::byte* at) noexcept { partials::save(at, last{}); }
  static bool fits(const std::byte* at, const partials::input& in) noexcept {
    return !counts(in) || is_narrow(sum(at, false) + in.value.ints[in.row]);
  }
  static bool is_narrow(std::int64_t n) noexcept { return n == static_cast<std::int32_t>(n); }
  static void take(std::byte* at, const last& other) noexcept {
    if (partials::load<last>(at).order() < other.order()) partials::save(at, other);
  }
  static void fold(std::byte* at, bool wide, const partials::input& in) noexcept {
    if (!counts(in)) return;
    take(at, {in.time, in.partition, in.at, in.value.ints[in.row]});
    set_sum(at, wide, sum(at, wide) + in.value.ints[in.row]);
    if (in.value.ints[in.row] >= too_much) set_overflowed(at);
  }
  static bool merge_fits(const std::byte* into, const std::byte* from, bool from_wide) noexcept {
    return is_narrow(sum(into, false) + sum(from, from_wide));
  }
  static void merge(std::byte* into, bool into_wide, const std::byte* from, bool from_wide,
                    const partials::counts&) noexcept {
    take(into, partials::load<last>(from));
    set_sum(into, into_wide, sum(into, into_wide) + sum(from, from_wide));
    if (overflowed(from)) set_overflowed(into);
  }
  static void widen(const std::byte* from, std::byte* to) noexcept {
    partials::save(to, partials::load<last>(from));
    set_sum(to, true, sum(from, false));
    if (overflowed(from)) set_overflowed(to);
  }
  static void encode(std::string& out, const std::byte* at, bool wide, const partials::wire_head&) {
    put_raw(out, partials::load<last>(at));
    put_zigzag(out, sum(at, wide));
  }
  static bool decode(varint_reader& in, std::byte* at, bool wide, const partials::wire_head&) {
    partials::save(at, in.raw<last>());
    const std::int64_t n = in.zigzag();
    if (!wide && !is_narrow(n)) return false;
    set_sum(at, wide, n);
    return true;
  }
  static result<value> finalize(const std::byte* at, const partials::question& asked) {
    const auto found = partials::load<last>(at);
    if (found.time == INT64_MIN) return value{null{}};
    return value{std::to_string(asked.count) + " rows, sum " + std::to_string(sum(at, true)) +
                 ", last " + std::to_string(found.value) + (overflowed(at) ? ", overflowed" : "")};
  }
};

struct planted_partials {
  template <class Visitor>
  static decltype(auto) visit(schema::partial_kind kind, Visitor&& visitor) {
    if (kind == planted_kind) return visitor.template operator()<planted>();
    return all_partials::visit(kind, std::forward<Visitor>(visitor));
  }
};
using planted_tile = basic_tile_type<planted_partials>;

constexpr std::int64_t least = 3;  // the parameter

schema::tiling planted_tiling() {
  schema::tiling t;
  t.partials = {{schema::partial_kind::non_null, 0},
                {schema::partial_kind::distinct, 1},
                {planted_kind, 0, 1, least}};
  return t;
}

struct row_of_test {
  std::optional<std::int64_t> value, second;
  std::int64_t time = 0;
  partition_id partition = 0;
  sequence at = 0;
};

struct rows_of_test {
  std::vector<row_of_test> rows;
  batch_column values, seconds;
  std::vector<const batch_column*> columns{&values, &seconds};

  rows_of_test(std::uint64_t seed, std::size_t n, std::int64_t largest) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < n; ++i) {
      row_of_test r;
      if (random() % 5) r.value = static_cast<std::int64_t>(random() % 1000) * largest;
      if (random() % 5) r.second = static_cast<std::int64_t>(random() % 6);
      r.time = static_cast<std::int64_t>(random() % 4);  // many ties
      r.partition = static_cast<partition_id>(1 + random() % 3);
      r.at = i;
      rows.push_back(r);
      values.ints.push_back(r.value.value_or(77)), values.valid.push_back(r.value ? 1 : 0);
      seconds.ints.push_back(r.second.value_or(77)), seconds.valid.push_back(r.second ? 1 : 0);
    }
  }
  rows_of_test(const rows_of_test&) = delete;

  fold_row row(std::size_t i) const {
    return {columns, i, rows[i].time, rows[i].partition, rows[i].at};
  }
  /// What `planted` must answer, straight from its definition.
  value answer() const {
    const row_of_test* found = nullptr;
    std::int64_t sum = 0;
    std::uint64_t count = 0;
    bool overflowed = false;
    for (const row_of_test& r : rows) {
      count += r.value ? 1 : 0;
      if (!r.value || !r.second || *r.second < least) continue;
      sum += *r.value;
      overflowed |= *r.value >= planted::too_much;
      if (!found || std::tuple(found->time, found->partition, found->at) <
                        std::tuple(r.time, r.partition, r.at)) {
        found = &r;
      }
    }
    if (!found) return value{null{}};
    return value{std::to_string(count) + " rows, sum " + std::to_string(sum) + ", last " +
                 std::to_string(*found->value) + (overflowed ? ", overflowed" : "")};
  }
};

/// One tile that widens itself, as its container would.
class tile_of_test {
public:
  explicit tile_of_test(const planted_tile& type) : type_(type), bytes_(type.form(false).stride) {
    type.create(bytes_.data(), false, 0);
  }
  tile_of_test(const tile_of_test&) = delete;
  ~tile_of_test() { type_.destroy(bytes_.data(), wide_); }

  void fold(const fold_row& row) {
    if (!type_.fold(bytes_.data(), wide_, row)) widen(), type_.fold(bytes_.data(), wide_, row);
  }
  void merge(const tile_of_test& other) {
    if (type_.merge(bytes_.data(), wide_, other.bytes_.data(), other.wide_)) return;
    widen();
    type_.merge(bytes_.data(), wide_, other.bytes_.data(), other.wide_);
  }
  void widen() {
    std::vector<std::byte> to(type_.form(true).stride);
    type_.widen(bytes_.data(), to.data());
    bytes_ = std::move(to), wide_ = true;
  }
  std::string encoded() const {
    std::string out;
    type_.encode(out, bytes_.data(), wide_);
    type_.encode_overflow(out, bytes_.data(), wide_);
    return out;
  }
  bool decode(const std::string& bytes) {
    varint_reader in({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    return type_.decode(in, bytes_.data(), wide_) &&
           type_.decode_overflow(in, bytes_.data(), wide_) && in.done();
  }
  value answer() {
    if (!wide_) widen();
    schema::rule r;
    r.value_partial = 2;
    r.non_null_partial = 0;
    return *type_.finalize(bytes_.data(), r, {schema::value_kind::text, true, nullptr});
  }
  bool wide() const { return wide_; }
  bool overflowed() const { return type_.overflowed(bytes_.data(), wide_); }

private:
  const planted_tile& type_;
  std::vector<std::byte> bytes_;
  bool wide_ = false;
};

TEST(PlantedPartial, IsFoldedMergedAndReadBackAsItsDefinitionSays) {
  const planted_tile type(planted_tiling());
  EXPECT_TRUE(type.owns_memory());
  EXPECT_EQ(type.inline_max(), 8u);  // the sketch asks for the least
  int widened = 0, overflowed = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    const rows_of_test rows(seed, seed * 2, seed % 3 == 0 ? 1'000'000 : 1);
    tile_of_test whole(type), low(type), high(type), forth(type), back(type), again(type);
    for (std::size_t i = 0; i < rows.rows.size(); ++i) whole.fold(rows.row(i));
    std::vector<std::size_t> order(rows.rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::mt19937_64 random(seed);
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t i : order) (random() % 3 ? low : high).fold(rows.row(i));
    forth.merge(low), forth.merge(high);
    back.merge(high), back.merge(low);
    widened += whole.wide() ? 1 : 0;
    overflowed += whole.overflowed() ? 1 : 0;
    const std::string bytes = whole.encoded();
    EXPECT_EQ(forth.encoded(), bytes);
    EXPECT_EQ(back.encoded(), bytes);
    if (whole.wide()) again.widen();
    ASSERT_TRUE(again.decode(bytes));
    EXPECT_EQ(again.encoded(), bytes);
    const value wanted = rows.answer();
    EXPECT_EQ(whole.answer(), wanted);
    EXPECT_EQ(again.answer(), wanted);
    EXPECT_EQ(back.answer(), wanted);
  }
  EXPECT_GT(widened, 5);
  EXPECT_GT(overflowed, 5);
  EXPECT_LT(overflowed, 55);
}

TEST(PlantedPartial, OverflowFlagsAreRefusedOfPartialsThatCannotOverflow) {
  const planted_tile type(planted_tiling());
  EXPECT_TRUE(type.can_overflow());
  tile_of_test empty(type);
  std::string bytes = empty.encoded();
  for (int bit = 0; bit < 8; ++bit) {
    tile_of_test read(type);
    bytes.back() = static_cast<char>(1 << bit);
    EXPECT_EQ(read.decode(bytes), bit == 2) << bit;  // where `planted` stands in the tiling
    EXPECT_EQ(read.overflowed(), bit == 2) << bit;
  }
}

}  // namespace
}  // namespace windrow::storage
