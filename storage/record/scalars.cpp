#include "storage/record/scalars.hpp"

#include <string_view>
#include <vector>

#include "base/varint.hpp"
#include "storage/record/value_codec.hpp"

namespace windrow::storage {

namespace {

struct entry {
  std::uint16_t place;
  std::int64_t time;
  std::span<const std::uint8_t> bytes;
};

std::vector<entry> entries_of(std::span<const std::byte> scalars) {
  varint_reader in({reinterpret_cast<const std::uint8_t*>(scalars.data()), scalars.size()});
  std::vector<entry> entries;
  while (!in.done()) {
    entry e{in.raw<std::uint16_t>(), in.raw<std::int64_t>(), {}};
    e.bytes = in.bytes(in.raw<std::uint32_t>());
    if (!in.ok()) break;
    entries.push_back(e);
  }
  return entries;
}

std::string_view text_of(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void put_scalar(std::string& out, std::uint16_t place, std::int64_t time, std::string_view bytes) {
  put_raw(out, place);
  put_raw(out, time);
  put_raw(out, static_cast<std::uint32_t>(bytes.size()));
  out.append(bytes);
}

}  // namespace

std::optional<scalar_value> find_scalar(std::span<const std::byte> scalars, std::uint16_t place) {
  for (const entry& e : entries_of(scalars)) {
    if (e.place != place) continue;
    varint_reader in(e.bytes);
    return scalar_value{e.time, read_value(in)};
  }
  return std::nullopt;
}

std::optional<std::string> with_scalar(std::span<const std::byte> scalars, std::uint16_t place,
                                       std::int64_t time, const value& v) {
  std::string stored;
  put_value(stored, v);
  std::string out;
  for (const entry& e : entries_of(scalars)) {
    const std::string_view bytes = text_of(e.bytes);
    if (e.place != place)
      put_scalar(out, e.place, e.time, bytes);
    else if (e.time > time || (e.time == time && bytes == stored))
      return std::nullopt;
  }
  put_scalar(out, place, time, stored);
  return out;
}

std::optional<std::string> replaced_scalars(std::span<const std::byte> scalars,
                                            std::span<const int> places) {
  std::string out;
  for (const entry& e : entries_of(scalars)) {
    if (e.place >= places.size()) return std::nullopt;
    if (const int place = places[e.place]; place >= 0)
      put_scalar(out, static_cast<std::uint16_t>(place), e.time, text_of(e.bytes));
  }
  return out;
}

}  // namespace windrow::storage
