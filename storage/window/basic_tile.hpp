#pragma once

#include <algorithm>

#include "storage/window/tile.hpp"

/// How tiles are laid out and passed through their partials. For `tile.cpp`, and for tests that
/// have partials of their own.
///
/// `fold` and `merge` are flattened: partials are too many and too small for the compiler to inline
/// them by itself. What they loop over is in locals, as a tile's bytes may alias anything.
namespace windrow::storage {

namespace tiles {

constexpr std::uint64_t narrow_count_max = std::numeric_limits<std::uint32_t>::max();

inline std::uint64_t count_at(const std::byte* at, bool wide) noexcept {
  return wide ? partials::load<std::uint64_t>(at) : partials::load<std::uint32_t>(at);
}
inline void set_rows(const tile_form& form, std::byte* tile, std::uint64_t n) noexcept {
  if (form.wide) {
    partials::save(tile + form.rows_offset, n);
  } else {
    partials::save(tile + form.rows_offset, static_cast<std::uint32_t>(n));
  }
}
/// The rows, or the rows with an argument if `cell` is a non_null cell.
inline std::uint64_t count_of(const tile_form& form, const std::byte* tile, int cell) noexcept {
  const std::size_t offset =
      cell == schema::none ? form.rows_offset : form.cells[static_cast<std::size_t>(cell)].offset;
  return count_at(tile + offset, form.wide);
}

template <class Partials>
tile_form make_form(const schema::tiling& t, bool wide) {
  tile_form form;
  form.wide = wide;
  form.rows_offset = wide ? 8 : 4;
  std::size_t at = wide ? 16 : 8;
  for (const schema::partial& p : t.partials) {
    tile_cell cell{p.kind,       static_cast<std::uint16_t>(at),
                   p.argument,   p.second_argument,
                   schema::none, p.parameter};
    for (std::size_t i = 0; i < form.cells.size(); ++i) {
      if (form.cells[i].kind == schema::partial_kind::non_null &&
          form.cells[i].argument == p.argument) {
        cell.count_cell = static_cast<std::int32_t>(i);
      }
    }
    form.cells.push_back(cell);
    at += Partials::visit(p.kind, [&]<class P>() { return P::bytes(wide); });
  }
  form.stride = static_cast<std::uint16_t>(at);
  return form;
}

/// What `P` sees of a row; `column` is that of the cell's argument.
template <class P>
partials::input input_of(const tile_form& form, const std::byte* tile, const tile_cell& cell,
                         const batch_column& column, const fold_row& row) {
  partials::input in{column, nullptr, row.row, row.time, row.partition, row.at, cell.parameter, 0};
  if constexpr (P::reads_count) in.count = count_of(form, tile, cell.count_cell);
  if constexpr (P::reads_second) in.second = row.columns[static_cast<std::size_t>(cell.second)];
  return in;
}

}  // namespace tiles

template <class Partials>
basic_tile_type<Partials>::basic_tile_type(const schema::tiling& t)
    : narrow_(tiles::make_form<Partials>(t, false)), wide_(tiles::make_form<Partials>(t, true)) {
  inline_max_ = partials::plain::inline_max;
  for (std::size_t i = 0; i < narrow_.cells.size(); ++i) {
    Partials::visit(narrow_.cells[i].kind, [&]<class P>() {
      owns_memory_ |= P::owns_memory;
      can_overflow_ |= P::can_overflow;
      inline_max_ = std::min(inline_max_, P::inline_max);
      if (P::can_refuse) can_refuse_.push_back(static_cast<std::uint32_t>(i));
    });
  }
}

template <class Partials>
std::uint64_t basic_tile_type<Partials>::rows(const std::byte* tile, bool wide) const noexcept {
  return tiles::count_of(form(wide), tile, schema::none);
}

template <class Partials>
void basic_tile_type<Partials>::create(std::byte* tile, bool wide, std::uint32_t bucket) const {
  const tile_form& f = form(wide);
  std::memset(tile, 0, f.stride);
  set_bucket(tile, bucket);
  for (const tile_cell& c : f.cells) {
    Partials::visit(c.kind, [&]<class P>() { P::create(tile + c.offset); });
  }
}

template <class Partials>
void basic_tile_type<Partials>::destroy(std::byte* tile, bool wide) const noexcept {
  if (!owns_memory_) return;
  for (const tile_cell& c : form(wide).cells) {
    Partials::visit(c.kind, [&]<class P>() { P::destroy(tile + c.offset); });
  }
}

template <class Partials>
std::size_t basic_tile_type<Partials>::owned_bytes(const std::byte* tile,
                                                   bool wide) const noexcept {
  std::size_t bytes = 0;
  if (!owns_memory_) return bytes;
  for (const tile_cell& c : form(wide).cells) {
    bytes += Partials::visit(c.kind, [&]<class P>() { return P::owned_bytes(tile + c.offset); });
  }
  return bytes;
}

// ---- fold --------------------------------------------------------------------------------------

template <class Partials>
bool basic_tile_type<Partials>::fold_fits(const std::byte* tile, const fold_row& row) const {
  for (const std::uint32_t i : can_refuse_) {
    const tile_cell& c = narrow_.cells[i];
    const batch_column& column = *row.columns[static_cast<std::size_t>(c.argument)];
    if (!column.is_valid(row.row)) continue;
    const bool fits = Partials::visit(c.kind, [&]<class P>() {
      if constexpr (P::can_refuse) {
        return P::fits(tile + c.offset, tiles::input_of<P>(narrow_, tile, c, column, row));
      } else {
        return true;
      }
    });
    if (!fits) return false;
  }
  return true;
}

template <class Partials>
[[gnu::flatten]] bool basic_tile_type<Partials>::fold(std::byte* tile, bool wide,
                                                      const fold_row& row) const {
  const tile_form& f = form(wide);
  const std::uint64_t rows = tiles::count_of(f, tile, schema::none) + 1;
  // Everything that could refuse comes before the first change.
  if (!wide && (rows > tiles::narrow_count_max || !fold_fits(tile, row))) return false;
  tiles::set_rows(f, tile, rows);
  const batch_column* const* const columns = row.columns.data();
  const std::size_t at = row.row;
  const tile_cell* const end = f.cells.data() + f.cells.size();
  for (const tile_cell* c = f.cells.data(); c != end; ++c) {
    const batch_column& column = *columns[c->argument];
    if (!column.is_valid(at)) continue;
    Partials::visit(c->kind, [&]<class P>() {
      P::fold(tile + c->offset, wide, tiles::input_of<P>(f, tile, *c, column, row));
    });
  }
  return true;
}

// ---- merge -------------------------------------------------------------------------------------

template <class Partials>
bool basic_tile_type<Partials>::merge_fits(const std::byte* into, const std::byte* from,
                                           bool from_wide) const {
  return std::all_of(can_refuse_.begin(), can_refuse_.end(), [&](std::uint32_t i) {
    return Partials::visit(narrow_.cells[i].kind, [&]<class P>() {
      if constexpr (P::can_refuse) {
        return P::merge_fits(into + narrow_.cells[i].offset, from + form(from_wide).cells[i].offset,
                             from_wide);
      } else {
        return true;
      }
    });
  });
}

template <class Partials>
template <bool IntoWide>
void basic_tile_type<Partials>::merge_cells(std::byte* into, const std::byte* from,
                                            bool from_wide) const {
  const tile_form& a = form(IntoWide);
  const tile_form& b = form(from_wide);
  const tile_cell* const end = a.cells.data() + a.cells.size();
  const tile_cell* y = b.cells.data();
  for (const tile_cell* x = a.cells.data(); x != end; ++x, ++y) {
    Partials::visit(x->kind, [&]<class P>() {
      partials::counts n;
      if constexpr (P::reads_count) {
        // The count comes first in a tile and has been merged already.
        n.from = tiles::count_of(b, from, y->count_cell);
        n.into = tiles::count_of(a, into, x->count_cell) - n.from;
      }
      P::merge(into + x->offset, IntoWide, from + y->offset, from_wide, n);
    });
  }
}

template <class Partials>
[[gnu::flatten]] bool basic_tile_type<Partials>::merge(std::byte* into, bool into_wide,
                                                       const std::byte* from,
                                                       bool from_wide) const {
  const std::uint64_t n = rows(into, into_wide) + rows(from, from_wide);
  if (into_wide) {
    tiles::set_rows(wide_, into, n);
    merge_cells<true>(into, from, from_wide);
    return true;
  }
  if (n > tiles::narrow_count_max || !merge_fits(into, from, from_wide)) return false;
  tiles::set_rows(narrow_, into, n);
  merge_cells<false>(into, from, from_wide);
  return true;
}

template <class Partials>
void basic_tile_type<Partials>::widen(const std::byte* from, std::byte* to) const {
  std::memset(to, 0, wide_.stride);
  set_bucket(to, bucket(from));
  tiles::set_rows(wide_, to, rows(from, false));
  for (std::size_t i = 0; i < narrow_.cells.size(); ++i) {
    const std::byte* a = from + narrow_.cells[i].offset;
    std::byte* b = to + wide_.cells[i].offset;
    Partials::visit(narrow_.cells[i].kind, [&]<class P>() {
      if constexpr (requires { P::widen(a, b); }) {
        P::widen(a, b);
      } else {
        static_assert(P::bytes(false) == P::bytes(true), "a partial of two forms has a widen");
        std::memcpy(b, a, P::bytes(false));
      }
    });
  }
}

template <class Partials>
void basic_tile_type<Partials>::take_over(std::byte* to, const basic_tile_type& other,
                                          std::byte* from, bool wide,
                                          std::span<const int> cells) const {
  const tile_form& target = form(wide);
  const tile_form& source = other.form(wide);
  tiles::set_rows(target, to, other.rows(from, wide));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i] == schema::none) continue;
    const std::size_t bytes =
        Partials::visit(source.cells[i].kind, [&]<class P>() { return P::bytes(wide); });
    std::byte* at = from + source.cells[i].offset;
    std::memcpy(to + target.cells[static_cast<std::size_t>(cells[i])].offset, at, bytes);
    std::memset(at, 0, bytes);  // what it owned has moved
  }
}

// ---- wire form ---------------------------------------------------------------------------------

// varint (rows << 1 | exact), where `exact` says that every partial's short form says everything;
// then each partial.
template <class Partials>
void basic_tile_type<Partials>::encode(std::string& out, const std::byte* tile, bool wide) const {
  const tile_form& f = form(wide);
  partials::wire_head head{rows(tile, wide), true};
  for (const tile_cell& c : f.cells) {
    head.exact &= Partials::visit(c.kind, [&]<class P>() { return P::is_exact(tile + c.offset); });
  }
  put_varint(out, static_cast<uint128>(head.rows) << 1 | (head.exact ? 1 : 0));
  for (const tile_cell& c : f.cells) {
    Partials::visit(c.kind, [&]<class P>() { P::encode(out, tile + c.offset, wide, head); });
  }
}

template <class Partials>
bool basic_tile_type<Partials>::decode(varint_reader& in, std::byte* tile, bool wide) const {
  const tile_form& f = form(wide);
  const auto first = in.varint<uint128>();
  const partials::wire_head head{static_cast<std::uint64_t>(first >> 1), (first & 1) != 0};
  if (!in.ok() || (!wide && head.rows > tiles::narrow_count_max)) return false;
  tiles::set_rows(f, tile, head.rows);
  return std::all_of(f.cells.begin(), f.cells.end(), [&](const tile_cell& c) {
    const bool good = Partials::visit(
        c.kind, [&]<class P>() { return P::decode(in, tile + c.offset, wide, head); });
    return good && in.ok();
  });
}

template <class Partials>
bool basic_tile_type<Partials>::overflowed(const std::byte* tile, bool wide) const noexcept {
  if (!can_overflow_) return false;
  const tile_form& f = form(wide);
  return std::any_of(f.cells.begin(), f.cells.end(), [&](const tile_cell& c) {
    return Partials::visit(c.kind, [&]<class P>() { return P::overflowed(tile + c.offset); });
  });
}

template <class Partials>
void basic_tile_type<Partials>::encode_overflow(std::string& out, const std::byte* tile,
                                                bool wide) const {
  const tile_form& f = form(wide);
  for (std::size_t i = 0; i < f.cells.size(); ++i) {
    if (i % 8 == 0) out.push_back('\0');
    const tile_cell& c = f.cells[i];
    if (Partials::visit(c.kind, [&]<class P>() { return P::overflowed(tile + c.offset); }))
      out.back() = static_cast<char>(out.back() | 1 << i % 8);
  }
}

template <class Partials>
bool basic_tile_type<Partials>::decode_overflow(varint_reader& in, std::byte* tile,
                                                bool wide) const {
  const tile_form& f = form(wide);
  const auto flags = in.bytes((f.cells.size() + 7) / 8);
  if (!in.ok()) return false;
  for (std::size_t i = 0; i < 8 * flags.size(); ++i) {
    if ((flags[i / 8] >> i % 8 & 1) == 0) continue;
    if (i >= f.cells.size()) return false;
    const bool can = Partials::visit(f.cells[i].kind, [&]<class P>() {
      P::set_overflowed(tile + f.cells[i].offset);
      return P::can_overflow;
    });
    if (!can) return false;
  }
  return true;
}

template <class Partials>
result<value> basic_tile_type<Partials>::finalize(const std::byte* total, const schema::rule& r,
                                                  const schema::value_type& type) const {
  partials::question asked{r.function, type, r.parameters,
                           tiles::count_of(wide_, total, r.non_null_partial)};
  if (r.value_partial == schema::none) return partials::whole_number(asked.count, asked);
  const tile_cell& cell = wide_.cells[static_cast<std::size_t>(r.value_partial)];
  return Partials::visit(cell.kind,
                         [&]<class P>() { return P::finalize(total + cell.offset, asked); });
}

}  // namespace windrow::storage
