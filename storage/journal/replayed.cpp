#include "storage/journal/replayed.hpp"

#include "base/bytes.hpp"

namespace windrow::storage {

void append_replayed(const dead_letter& letter, std::string& payload) {
  byte_buffer message;
  byte_writer out(message);
  out.number(letter.arrival);
  out.text(letter.bytes);
  out.number(static_cast<std::uint8_t>(letter.key.has_value()));
  if (letter.key) out.text(*letter.key);
  out.number(static_cast<std::uint32_t>(letter.headers.size()));
  for (const auto& [name, text] : letter.headers) out.text(name), out.text(text);
  payload.append(as_text(message));
}

std::optional<std::vector<replayed_message>> read_replayed(std::string_view payload) {
  std::vector<replayed_message> messages;
  byte_reader in(as_bytes(payload));
  const auto text = [&in] { return as_text(in.raw(in.number<std::uint32_t>())); };
  while (in.ok() && !in.done()) {
    replayed_message& m = messages.emplace_back();
    m.time = in.number<std::int64_t>();
    m.bytes = text();
    if (in.number<std::uint8_t>() != 0) m.key = text();
    for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left) {
      const std::string_view name = text();
      m.headers.emplace_back(name, text());
    }
  }
  if (!in.ok()) return std::nullopt;
  return messages;
}

}  // namespace windrow::storage
