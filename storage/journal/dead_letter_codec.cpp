#include "storage/journal/dead_letter_codec.hpp"

#include <algorithm>
#include <utility>

#include "base/checksum.hpp"

namespace windrow::storage {

dead_letter_key dead_letter_key::of(const dead_letter& letter) {
  dead_letter_key key = lowest(letter.partition, letter.at);
  store_big(key.bytes.data() + 16, checksum(as_bytes(letter.stream)));
  return key;
}

dead_letter_key dead_letter_key::lowest(partition_id partition, sequence at) {
  dead_letter_key key;
  store_big(key.bytes.data(), partition);
  store_big(key.bytes.data() + 8, at);
  return key;
}

std::optional<dead_letter_key> dead_letter_key::read(windrow::bytes stored) {
  dead_letter_key key;
  if (stored.size() != key.bytes.size()) return std::nullopt;
  std::copy(stored.begin(), stored.end(), key.bytes.begin());
  return key;
}

std::size_t memory_of(const dead_letter& letter) noexcept {
  std::size_t bytes = sizeof(letter) + letter.stream.size() + letter.phase.size() +
                      letter.reason.size() + letter.message.size() + letter.bytes.size() +
                      letter.media_type.size() + (letter.key ? letter.key->size() : 0);
  for (const auto& header : letter.headers)
    bytes += sizeof(header) + header.first.size() + header.second.size();
  return bytes;
}

byte_buffer encode(const dead_letter& letter) {
  byte_buffer value;
  value.reserve(memory_of(letter));
  byte_writer out(value);
  out.number(letter.arrival);
  out.number(letter.total_bytes);
  out.text(letter.stream);
  out.text(letter.phase);
  out.text(letter.reason);
  out.text(letter.message);
  out.text(letter.bytes);
  out.number(static_cast<std::uint8_t>(letter.key.has_value()));
  if (letter.key) out.text(*letter.key);
  out.number(static_cast<std::uint8_t>(letter.timed));
  out.number(static_cast<std::uint32_t>(letter.headers.size()));
  for (const auto& [name, text] : letter.headers) out.text(name), out.text(text);
  out.text(letter.media_type);
  return value;
}

std::optional<dead_letter> decode_dead_letter(const dead_letter_key& key, bytes value) {
  dead_letter letter;
  letter.partition = key.partition();
  letter.at = key.at();
  byte_reader in(value);
  letter.arrival = in.number<std::int64_t>();
  letter.total_bytes = in.number<std::uint64_t>();
  letter.stream = in.text();
  letter.phase = in.text();
  letter.reason = in.text();
  letter.message = in.text();
  letter.bytes = in.text();
  if (in.number<std::uint8_t>() != 0) letter.key = in.text();
  letter.timed = in.number<std::uint8_t>() != 0;
  for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left) {
    std::string name = in.text();
    letter.headers.emplace_back(std::move(name), in.text());
  }
  letter.media_type = in.text();
  if (!in.done()) return std::nullopt;
  return letter;
}

}  // namespace windrow::storage
