#include "storage/shard/stripe.hpp"

#include <xxhash.h>

#include <cstring>

#include "base/varint.hpp"

namespace windrow::storage {

namespace {

std::uint64_t stripe_checksum(std::span<const std::uint8_t> body, std::uint32_t stripe,
                              std::uint64_t folder_seed) {
  return XXH3_64bits_withSeed(body.data(), body.size(),
                              folder_seed ^ (0x9e3779b97f4a7c15 * (stripe + 1)));
}

std::span<const std::uint8_t> bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

}  // namespace

std::string encode_stripe(const schema::plan& p, const stripe_state& s, std::uint32_t stripe,
                          std::uint64_t folder_seed) {
  std::string body;
  body.push_back(1);
  put_varint(body, s.catalog_version);
  put_varint(body, s.position.size());
  for (const auto& [partition, at] : s.position) {
    put_varint(body, partition);
    put_varint(body, at);
  }
  put_varint(body, p.timelines.size());
  for (std::size_t i = 0; i < p.timelines.size(); ++i) {
    put_raw(body, p.timelines[i].id);
    put_zigzag(body, i < s.newest.size() ? s.newest[i] : no_time);
  }
  put_varint(body, p.rules.size());
  for (std::size_t i = 0; i < p.rules.size(); ++i) {
    put_raw(body, p.rules[i].id);
    put_varint(body, i < s.late.size() ? s.late[i] : 0);
  }
  put_zigzag(body, s.swept);
  std::string out;
  put_raw(out, stripe_checksum(bytes_of(body), stripe, folder_seed));
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
  if (in.raw<std::uint8_t>() != 1) return bad("has an unknown form");
  stripe_state s;
  s.catalog_version = in.varint<std::uint32_t>();
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    const auto partition = in.varint<partition_id>();
    s.position[partition] = in.varint<sequence>();
  }
  s.newest.assign(p.timelines.size(), no_time);
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    const auto id = in.raw<std::uint64_t>();
    const std::int64_t newest = in.zigzag();
    for (std::size_t i = 0; i < p.timelines.size(); ++i) {
      if (p.timelines[i].id == id) s.newest[i] = newest;
    }
  }
  s.late.assign(p.rules.size(), 0);
  for (auto n = in.varint<std::uint64_t>(); n > 0 && in.ok(); --n) {
    const auto id = in.raw<std::uint64_t>();
    const auto late = in.varint<std::uint64_t>();
    for (std::size_t i = 0; i < p.rules.size(); ++i) {
      if (p.rules[i].id == id) s.late[i] = late;
    }
  }
  s.swept = in.zigzag();
  if (!in.ok() || !in.done()) return bad("cannot be read");
  return s;
}

}  // namespace windrow::storage
