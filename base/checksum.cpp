#include "base/checksum.hpp"

#include <xxhash.h>

#include <cassert>

namespace windrow {

namespace {

constexpr std::size_t magic_bytes = 8;
constexpr std::size_t envelope_bytes = magic_bytes + 4 + 8 + checksum_bytes;

std::uint64_t value_checksum(std::string_view table, bytes key, bytes payload) noexcept {
  return checksum(payload, checksum(key, checksum(as_bytes(table))));
}

std::uint64_t load_little(bytes from) noexcept { return byte_reader(from).number<std::uint64_t>(); }

}  // namespace

std::uint64_t checksum(bytes data, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

void seal_value(std::string_view table, bytes key, byte_buffer& value) {
  const std::uint64_t sum = value_checksum(table, key, value);
  byte_writer(value).number(sum);
}

std::optional<bytes> unseal_value(std::string_view table, bytes key, bytes stored) noexcept {
  if (stored.size() < checksum_bytes) return std::nullopt;
  const bytes payload = stored.first(stored.size() - checksum_bytes);
  if (load_little(stored.last(checksum_bytes)) != value_checksum(table, key, payload))
    return std::nullopt;
  return payload;
}

byte_buffer seal_file(std::string_view magic, std::uint32_t format, bytes payload) {
  assert(magic.size() == magic_bytes);
  byte_buffer file;
  file.reserve(envelope_bytes + payload.size());
  byte_writer out(file);
  out.raw(as_bytes(magic));
  out.number(format);
  out.number(static_cast<std::uint64_t>(payload.size()));
  out.raw(payload);
  out.number(checksum(file));
  return file;
}

result<unsealed_file> unseal_file(std::string_view magic, bytes stored, const std::string& name) {
  if (stored.empty()) return failure{errc::corrupt, name + " is empty."};
  byte_reader in(stored);
  if (as_text(in.raw(magic_bytes)) != magic)
    return failure{errc::corrupt, name + " is not a file that windrow wrote."};
  unsealed_file file;
  file.format = in.number<std::uint32_t>();
  const auto length = in.number<std::uint64_t>();
  if (!in.ok() || length != stored.size() - std::min(stored.size(), envelope_bytes))
    return failure{errc::corrupt, name + " is damaged: it has " + std::to_string(stored.size()) +
                                      " bytes, which is not what it says it has."};
  if (load_little(stored.last(checksum_bytes)) !=
      checksum(stored.first(stored.size() - checksum_bytes)))
    return failure{errc::corrupt, name + " is damaged: its checksum does not match."};
  const bytes payload = in.raw(length);
  file.payload.assign(payload.begin(), payload.end());
  return file;
}

}  // namespace windrow
