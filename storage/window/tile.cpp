#include "storage/window/tile.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace windrow::storage {

namespace {

using schema::partial_kind;

template <class T>
T load(const std::byte* at) noexcept {
  T v;
  std::memcpy(&v, at, sizeof(T));
  return v;
}
template <class T>
void save(std::byte* at, const T& v) noexcept {
  std::memcpy(at, &v, sizeof(T));
}

std::size_t cell_bytes(partial_kind kind, bool wide) {
  switch (kind) {
    case partial_kind::non_null:
      return 8;
    case partial_kind::sum_int:
      return wide ? 16 : 8;
    case partial_kind::sum_float:
      return 16;
    case partial_kind::moments:
      return 16;
    case partial_kind::min_int:
    case partial_kind::max_int:
    case partial_kind::min_float:
    case partial_kind::max_float:
    case partial_kind::distinct:
      return 8;
  }
  return 8;
}

tile_form make_form(const schema::tiling& t, bool wide) {
  tile_form form;
  form.wide = wide;
  form.rows_offset = wide ? 8 : 4;
  std::size_t at = wide ? 16 : 8;
  for (const schema::partial& p : t.partials) {
    tile_cell cell;
    cell.kind = p.kind;
    cell.argument = p.argument;
    cell.offset = static_cast<std::uint16_t>(at);
    for (std::size_t i = 0; i < form.cells.size(); ++i) {
      if (form.cells[i].kind == partial_kind::non_null && form.cells[i].argument == p.argument) {
        cell.count_cell = static_cast<std::int32_t>(i);
      }
    }
    form.cells.push_back(cell);
    at += cell_bytes(p.kind, wide);
  }
  form.stride = static_cast<std::uint16_t>(at);
  return form;
}

double number_at(const batch_column& column, std::size_t row) noexcept {
  return column.kind == schema::value_kind::floating ? column.floats[row]
                                                     : static_cast<double>(column.ints[row]);
}

std::uint64_t hash_at(const batch_column& column, std::size_t row) {
  switch (column.kind) {
    case schema::value_kind::text: {
      const auto text = column.text_at(row);
      return distinct_hash(text.data(), text.size());
    }
    case schema::value_kind::floating: {
      const double v = column.floats[row] == 0 ? 0.0 : column.floats[row];  // -0.0 is 0.0
      return distinct_hash(&v, 8);
    }
    case schema::value_kind::boolean:
      return distinct_hash(&column.bools[row], 1);
    default:
      return distinct_hash(&column.ints[row], 8);
  }
}

void merge_moments(moment_pair& a, std::uint64_t& na, const moment_pair& b, std::uint64_t nb) {
  if (nb == 0) return;
  if (na == 0) {
    a = b;
    na = nb;
    return;
  }
  const double n = static_cast<double>(na) + static_cast<double>(nb);
  const double delta = b.mean - a.mean;
  a.mean += delta * (static_cast<double>(nb) / n);
  a.m2 += b.m2 + delta * delta * (static_cast<double>(na) * static_cast<double>(nb) / n);
  na += nb;
}

distinct_sketch* sketch_at(const std::byte* cell) noexcept { return load<distinct_sketch*>(cell); }

constexpr std::uint64_t narrow_count_max = std::numeric_limits<std::uint32_t>::max();

std::uint64_t count_of(const tile_form& form, const std::byte* tile, int cell) noexcept {
  const std::byte* at = cell == schema::none
                            ? tile + form.rows_offset
                            : tile + form.cells[static_cast<std::size_t>(cell)].offset;
  return form.wide ? load<std::uint64_t>(at) : load<std::uint32_t>(at);
}

void set_count(const tile_form& form, std::byte* at, std::uint64_t n) noexcept {
  if (form.wide)
    save(at, n);
  else
    save(at, static_cast<std::uint32_t>(n));
}

}  // namespace

tile_type::tile_type(const schema::tiling& t)
    : narrow_(make_form(t, false)), wide_(make_form(t, true)) {
  for (const tile_cell& c : narrow_.cells) owns_memory_ |= c.kind == partial_kind::distinct;
}

std::uint64_t tile_type::rows(const std::byte* tile, bool wide) const noexcept {
  return count_of(form(wide), tile, schema::none);
}

void tile_type::create(std::byte* tile, bool wide, std::uint32_t bucket) const {
  const tile_form& f = form(wide);
  std::memset(tile, 0, f.stride);
  set_bucket(tile, bucket);
  for (const tile_cell& c : f.cells) {
    std::byte* at = tile + c.offset;
    switch (c.kind) {
      case partial_kind::min_int:
        save(at, std::numeric_limits<std::int64_t>::max());
        break;
      case partial_kind::max_int:
        save(at, std::numeric_limits<std::int64_t>::min());
        break;
      case partial_kind::min_float:
        save(at, std::numeric_limits<double>::infinity());
        break;
      case partial_kind::max_float:
        save(at, -std::numeric_limits<double>::infinity());
        break;
      default:
        break;
    }
  }
}

void tile_type::destroy(std::byte* tile, bool wide) const noexcept {
  if (!owns_memory_) return;
  for (const tile_cell& c : form(wide).cells) {
    if (c.kind != partial_kind::distinct) continue;
    delete sketch_at(tile + c.offset);
    save<distinct_sketch*>(tile + c.offset, nullptr);
  }
}

bool tile_type::fold(std::byte* tile, bool wide, arguments columns, std::size_t row) const {
  const tile_form& f = form(wide);
  const std::uint64_t rows = count_of(f, tile, schema::none) + 1;
  if (!wide) {
    // Everything that could refuse comes before the first change.
    if (rows > narrow_count_max) return false;
    for (const tile_cell& c : f.cells) {
      if (c.kind != partial_kind::sum_int) continue;
      const batch_column& column = *columns[static_cast<std::size_t>(c.argument)];
      std::int64_t sum;
      if (column.is_valid(row) &&
          __builtin_add_overflow(load<std::int64_t>(tile + c.offset), column.ints[row], &sum)) {
        return false;
      }
    }
  }
  set_count(f, tile + f.rows_offset, rows);
  for (const tile_cell& c : f.cells) {
    const batch_column& column = *columns[static_cast<std::size_t>(c.argument)];
    if (!column.is_valid(row)) continue;
    std::byte* at = tile + c.offset;
    switch (c.kind) {
      case partial_kind::non_null:
        set_count(f, at, (wide ? load<std::uint64_t>(at) : load<std::uint32_t>(at)) + 1);
        break;
      case partial_kind::sum_int:
        if (wide)
          save(at, load<int128>(at) + column.ints[row]);
        else
          save(at, load<std::int64_t>(at) + column.ints[row]);
        break;
      case partial_kind::sum_float: {
        auto s = load<float_sum>(at);
        s.add(number_at(column, row));
        save(at, s);
        break;
      }
      case partial_kind::min_int:
        save(at, std::min(load<std::int64_t>(at), column.ints[row]));
        break;
      case partial_kind::max_int:
        save(at, std::max(load<std::int64_t>(at), column.ints[row]));
        break;
      case partial_kind::min_float:
        save(at, std::min(load<double>(at), number_at(column, row)));
        break;
      case partial_kind::max_float:
        save(at, std::max(load<double>(at), number_at(column, row)));
        break;
      case partial_kind::moments: {
        auto m = load<moment_pair>(at);
        const double n = static_cast<double>(count_of(f, tile, c.count_cell));
        const double delta = number_at(column, row) - m.mean;
        m.mean += delta / n;
        m.m2 += delta * (number_at(column, row) - m.mean);
        save(at, m);
        break;
      }
      case partial_kind::distinct: {
        auto* sketch = sketch_at(at);
        if (!sketch) save(at, sketch = new distinct_sketch);
        sketch->add(hash_at(column, row));
        break;
      }
    }
  }
  return true;
}

tile_total tile_type::make_total() const {
  tile_total total;
  total.cells.resize(narrow_.cells.size());
  reset(total);
  return total;
}

void tile_type::reset(tile_total& total) const {
  total.rows = 0;
  for (std::size_t i = 0; i < total.cells.size(); ++i) {
    tile_total::cell& c = total.cells[i];
    c.count = 0, c.sum = 0, c.floats = {}, c.moments = {}, c.moment_count = 0;
    c.distinct.reset();
    switch (narrow_.cells[i].kind) {
      case partial_kind::min_int:
        c.int_extreme = std::numeric_limits<std::int64_t>::max();
        break;
      case partial_kind::max_int:
        c.int_extreme = std::numeric_limits<std::int64_t>::min();
        break;
      case partial_kind::min_float:
        c.float_extreme = std::numeric_limits<double>::infinity();
        break;
      case partial_kind::max_float:
        c.float_extreme = -std::numeric_limits<double>::infinity();
        break;
      default:
        break;
    }
  }
}

void tile_type::merge(tile_total& into, const std::byte* tile, bool wide) const {
  const tile_form& f = form(wide);
  into.rows += count_of(f, tile, schema::none);
  for (std::size_t i = 0; i < f.cells.size(); ++i) {
    const tile_cell& c = f.cells[i];
    const std::byte* at = tile + c.offset;
    tile_total::cell& t = into.cells[i];
    switch (c.kind) {
      case partial_kind::non_null:
        t.count += wide ? load<std::uint64_t>(at) : load<std::uint32_t>(at);
        break;
      case partial_kind::sum_int:
        t.sum += wide ? load<int128>(at) : load<std::int64_t>(at);
        break;
      case partial_kind::sum_float:
        t.floats.merge(load<float_sum>(at));
        break;
      case partial_kind::min_int:
        t.int_extreme = std::min(t.int_extreme, load<std::int64_t>(at));
        break;
      case partial_kind::max_int:
        t.int_extreme = std::max(t.int_extreme, load<std::int64_t>(at));
        break;
      case partial_kind::min_float:
        t.float_extreme = std::min(t.float_extreme, load<double>(at));
        break;
      case partial_kind::max_float:
        t.float_extreme = std::max(t.float_extreme, load<double>(at));
        break;
      case partial_kind::moments:
        merge_moments(t.moments, t.moment_count, load<moment_pair>(at),
                      count_of(f, tile, c.count_cell));
        break;
      case partial_kind::distinct:
        if (const auto* sketch = sketch_at(at)) {
          if (!t.distinct) t.distinct = std::make_unique<distinct_sketch>();
          t.distinct->merge(*sketch);
        }
        break;
    }
  }
}

bool tile_type::store(const tile_total& total, std::byte* tile, bool wide) const {
  const tile_form& f = form(wide);
  if (!wide) {
    if (total.rows > narrow_count_max) return false;
    for (std::size_t i = 0; i < f.cells.size(); ++i) {
      if (f.cells[i].kind == partial_kind::sum_int &&
          total.cells[i].sum != static_cast<std::int64_t>(total.cells[i].sum)) {
        return false;
      }
    }
  }
  set_count(f, tile + f.rows_offset, total.rows);
  for (std::size_t i = 0; i < f.cells.size(); ++i) {
    std::byte* at = tile + f.cells[i].offset;
    const tile_total::cell& t = total.cells[i];
    switch (f.cells[i].kind) {
      case partial_kind::non_null:
        set_count(f, at, t.count);
        break;
      case partial_kind::sum_int:
        if (wide)
          save(at, t.sum);
        else
          save(at, static_cast<std::int64_t>(t.sum));
        break;
      case partial_kind::sum_float:
        save(at, t.floats);
        break;
      case partial_kind::min_int:
      case partial_kind::max_int:
        save(at, t.int_extreme);
        break;
      case partial_kind::min_float:
      case partial_kind::max_float:
        save(at, t.float_extreme);
        break;
      case partial_kind::moments:
        save(at, t.moments);
        break;
      case partial_kind::distinct:
        if (t.distinct) save(at, new distinct_sketch(*t.distinct));
        break;
    }
  }
  return true;
}

void tile_type::widen(const std::byte* from, std::byte* to) const {
  std::memset(to, 0, wide_.stride);
  set_bucket(to, bucket(from));
  save(to + wide_.rows_offset, rows(from, false));
  for (std::size_t i = 0; i < narrow_.cells.size(); ++i) {
    const std::byte* a = from + narrow_.cells[i].offset;
    std::byte* b = to + wide_.cells[i].offset;
    switch (narrow_.cells[i].kind) {
      case partial_kind::non_null:
        save<std::uint64_t>(b, load<std::uint32_t>(a));
        break;
      case partial_kind::sum_int:
        save<int128>(b, load<std::int64_t>(a));
        break;
      default:
        std::memcpy(b, a, cell_bytes(narrow_.cells[i].kind, false));
        break;
    }
  }
}

void tile_type::take_over(std::byte* to, const tile_type& other, std::byte* from, bool wide,
                          std::span<const int> cells) const {
  const tile_form& target = form(wide);
  const tile_form& source = other.form(wide);
  std::memcpy(to + target.rows_offset, from + source.rows_offset, wide ? 8 : 4);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i] == schema::none) continue;
    const std::size_t bytes = cell_bytes(source.cells[i].kind, wide);
    std::byte* at = from + source.cells[i].offset;
    std::memcpy(to + target.cells[static_cast<std::size_t>(cells[i])].offset, at, bytes);
    std::memset(at, 0, bytes);  // what it owned has moved
  }
}

std::size_t tile_type::owned_bytes(const std::byte* tile, bool wide) const noexcept {
  std::size_t bytes = 0;
  if (!owns_memory_) return bytes;
  for (const tile_cell& c : form(wide).cells) {
    if (c.kind != partial_kind::distinct) continue;
    if (const auto* sketch = sketch_at(tile + c.offset)) bytes += sketch->memory();
  }
  return bytes;
}

// Wire form: varint (rows << 1 | exact), where `exact` says that no float sum has lost anything;
// then each partial: non_null varint (rows - count); sum_int zigzag; sum_float 8 bytes and, unless
// exact, 8 more; min/max int zigzag; min/max float 8 bytes; moments 16 bytes; distinct its form.
void tile_type::encode(std::string& out, const std::byte* tile, bool wide) const {
  const tile_form& f = form(wide);
  const std::uint64_t n = rows(tile, wide);
  bool exact = true;
  for (const tile_cell& c : f.cells) {
    if (c.kind == partial_kind::sum_float) exact &= load<float_sum>(tile + c.offset).lost == 0;
  }
  put_varint(out, static_cast<uint128>(n) << 1 | (exact ? 1 : 0));
  for (const tile_cell& c : f.cells) {
    const std::byte* at = tile + c.offset;
    switch (c.kind) {
      case partial_kind::non_null:
        put_varint(out, n - (wide ? load<std::uint64_t>(at) : load<std::uint32_t>(at)));
        break;
      case partial_kind::sum_int:
        if (wide)
          put_zigzag128(out, load<int128>(at));
        else
          put_zigzag(out, load<std::int64_t>(at));
        break;
      case partial_kind::sum_float: {
        const auto s = load<float_sum>(at);
        put_raw(out, s.sum);
        if (!exact) put_raw(out, s.lost);
        break;
      }
      case partial_kind::min_int:
      case partial_kind::max_int:
        put_zigzag(out, load<std::int64_t>(at));
        break;
      case partial_kind::min_float:
      case partial_kind::max_float:
        put_raw(out, load<double>(at));
        break;
      case partial_kind::moments:
        put_raw(out, load<moment_pair>(at));
        break;
      case partial_kind::distinct: {
        static const distinct_sketch empty;
        const auto* sketch = sketch_at(at);
        (sketch ? *sketch : empty).encode(out);
        break;
      }
    }
  }
}

bool tile_type::decode(varint_reader& in, std::byte* tile, bool wide) const {
  const tile_form& f = form(wide);
  const auto head = in.varint<uint128>();
  const auto n = static_cast<std::uint64_t>(head >> 1);
  const bool exact = (head & 1) != 0;
  if (!in.ok() || (!wide && n > narrow_count_max)) return false;
  set_count(f, tile + f.rows_offset, n);
  for (const tile_cell& c : f.cells) {
    std::byte* at = tile + c.offset;
    switch (c.kind) {
      case partial_kind::non_null: {
        const auto nulls = in.varint<std::uint64_t>();
        if (nulls > n) return false;
        set_count(f, at, n - nulls);
        break;
      }
      case partial_kind::sum_int: {
        const int128 sum = in.zigzag128();
        if (wide)
          save(at, sum);
        else if (sum != static_cast<std::int64_t>(sum))
          return false;
        else
          save(at, static_cast<std::int64_t>(sum));
        break;
      }
      case partial_kind::sum_float: {
        float_sum s;
        s.sum = in.raw<double>();
        if (!exact) s.lost = in.raw<double>();
        save(at, s);
        break;
      }
      case partial_kind::min_int:
      case partial_kind::max_int:
        save(at, in.zigzag());
        break;
      case partial_kind::min_float:
      case partial_kind::max_float:
        save(at, in.raw<double>());
        break;
      case partial_kind::moments:
        save(at, in.raw<moment_pair>());
        break;
      case partial_kind::distinct: {
        auto sketch = std::make_unique<distinct_sketch>();
        if (!sketch->decode(in.rest())) return false;
        if (*sketch != distinct_sketch{}) save(at, sketch.release());
        break;
      }
    }
    if (!in.ok()) return false;
  }
  return true;
}

result<value> lower(const schema::plan& p, const schema::rule& r, const schema::value_type& type,
                    const tile_total& total) {
  using schema::aggregation;
  const auto overflow = [&]() -> failure {
    const bool whole = type.kind == schema::value_kind::integer;
    return {errc::overflow, "the " + std::string(to_string(r.function)) +
                                (whole ? " does not fit an int of 64 bits; use a shorter window or "
                                         "a float argument"
                                       : " is beyond the largest float, or was on the way; use a "
                                         "shorter window or a larger unit")};
  };
  const auto count_fits = [&](std::uint64_t n) -> result<value> {
    if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return overflow();
    return value{static_cast<std::int64_t>(n)};
  };
  if (r.function == aggregation::count) return count_fits(total.rows);

  const tile_total::cell& cell = total.cells[static_cast<std::size_t>(r.value_partial)];
  const std::uint64_t n = r.non_null_partial == schema::none
                              ? total.rows
                              : total.cells[static_cast<std::size_t>(r.non_null_partial)].count;
  const partial_kind kind = p.tilings[static_cast<std::size_t>(r.tiling)]
                                .partials[static_cast<std::size_t>(r.value_partial)]
                                .kind;
  const auto finite = [&](double v) -> result<value> {
    if (!std::isfinite(v)) return overflow();
    return value{v};
  };
  switch (r.function) {
    case aggregation::count:
      break;
    case aggregation::sum:
      if (kind == partial_kind::sum_float) return finite(cell.floats.total());
      if (type.kind == schema::value_kind::floating) return finite(static_cast<double>(cell.sum));
      if (cell.sum != static_cast<std::int64_t>(cell.sum)) return overflow();
      return value{static_cast<std::int64_t>(cell.sum)};
    case aggregation::mean: {
      if (n == 0) return value{null{}};
      const double count = static_cast<double>(n);
      if (kind == partial_kind::sum_int)
        return finite(static_cast<double>(static_cast<long double>(cell.sum) / n));
      return finite(cell.floats.sum / count + cell.floats.lost / count);
    }
    case aggregation::min:
    case aggregation::max:
      if (n == 0) return value{null{}};
      if (kind == partial_kind::min_int || kind == partial_kind::max_int) {
        if (type.kind == schema::value_kind::datetime) return value{timestamp{cell.int_extreme}};
        if (type.kind == schema::value_kind::floating)
          return value{static_cast<double>(cell.int_extreme)};
        return value{cell.int_extreme};
      }
      return value{cell.float_extreme};
    case aggregation::var:
    case aggregation::std: {
      if (n < 2) return value{null{}};
      const double variance = std::max(cell.moments.m2, 0.0) / static_cast<double>(n - 1);
      return finite(r.function == aggregation::std ? std::sqrt(variance) : variance);
    }
    case aggregation::approx_count_distinct:
      return count_fits(cell.distinct ? cell.distinct->estimate() : 0);
  }
  return value{null{}};
}

}  // namespace windrow::storage
