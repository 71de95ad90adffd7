#include "storage/journal/message_list.hpp"

#include "base/bytes.hpp"

namespace windrow::storage {

namespace {

// What follows the bytes of a message.
constexpr std::uint8_t has_time = 1, has_key = 2, has_headers = 4;

}  // namespace

void append_message(std::string& payload, std::string_view bytes) {
  payload.push_back(0);
  put_text(payload, bytes);
}

void append_message(std::string& payload, const dead_letter& letter) {
  if (!letter.timed) return append_message(payload, std::string_view(letter.bytes));
  const int what =
      has_time | (letter.key ? has_key : 0) | (letter.headers.empty() ? 0 : has_headers);
  payload.push_back(static_cast<char>(what));
  put_text(payload, letter.bytes);
  put_raw(payload, letter.arrival);
  if (letter.key) put_text(payload, *letter.key);
  if (letter.headers.empty()) return;
  put_varint(payload, letter.headers.size());
  for (const auto& [name, value] : letter.headers)
    put_text(payload, name), put_text(payload, value);
}

message_list_reader::message_list_reader(std::string_view payload) : in_(as_bytes(payload)) {}

std::string_view message_list_reader::text() noexcept {
  return as_text(in_.bytes(in_.varint<std::uint64_t>()));
}

bool message_list_reader::next(listed_message& into) {
  if (!in_.ok() || in_.done()) return false;
  const auto what = in_.raw<std::uint8_t>();
  if (what > (has_time | has_key | has_headers)) in_.fail();
  into.bytes = text();
  into.time.reset();
  into.key.reset();
  into.headers.clear();
  if (what & has_time) into.time = in_.raw<std::int64_t>();
  if (what & has_key) into.key = text();
  if (what & has_headers) {
    for (auto left = in_.varint<std::uint64_t>(); left > 0 && in_.ok(); --left) {
      const std::string_view name = text();
      into.headers.emplace_back(name, text());
    }
  }
  return in_.ok();
}

std::optional<std::vector<listed_message>> read_messages(std::string_view payload) {
  std::vector<listed_message> all;
  message_list_reader in(payload);
  for (listed_message m; in.next(m);) all.push_back(m);
  if (!in.ok()) return std::nullopt;
  return all;
}

}  // namespace windrow::storage
