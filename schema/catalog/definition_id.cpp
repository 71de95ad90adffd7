#include "schema/catalog/definition_id.hpp"

#include <xxhash.h>

namespace windrow::schema {
namespace {

void append_little_endian(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<char>((number >> shift) & 0xffu));
  }
}

}  // namespace

definition_hash& definition_hash::add(std::string_view part) {
  append_little_endian(bytes_, part.size());
  bytes_.append(part);
  return *this;
}

definition_hash& definition_hash::add(std::int64_t part) {
  append_little_endian(bytes_, 8);
  append_little_endian(bytes_, static_cast<std::uint64_t>(part));
  return *this;
}

std::uint64_t definition_hash::finish() const noexcept {
  return XXH3_64bits(bytes_.data(), bytes_.size());
}

}  // namespace windrow::schema
