#include "formats/message_run.hpp"

#include <cstring>

namespace windrow::formats {

namespace {

/// Puts what `use` makes of each of the texts in its place.
template <class Use>
void each_text(run_envelopes& envelopes, Use&& use) {
  for (auto& key : envelopes.keys) {
    if (key) key = use(*key);
  }
  for (message_headers& headers : envelopes.headers) {
    for (auto& [name, value] : headers) name = use(name), value = use(value);
  }
}

}  // namespace

padded_buffer padded_buffer::of(std::size_t capacity) {
  padded_buffer buffer;
  buffer.data = std::make_unique_for_overwrite<char[]>(capacity + buffer_padding);
  buffer.capacity = capacity;
  return buffer;
}

std::shared_ptr<run_pool> run_pool::make(std::size_t buffer_bytes, std::size_t kept_max) {
  return std::shared_ptr<run_pool>(new run_pool(buffer_bytes, kept_max));
}

run_pool::run_pool(std::size_t buffer_bytes, std::size_t kept_max)
    : buffer_bytes_(buffer_bytes), kept_max_(kept_max) {
  kept_.reserve(kept_max);
}

std::unique_ptr<message_run> run_pool::take(std::size_t capacity) {
  if (capacity <= buffer_bytes_) {
    capacity = buffer_bytes_;
    const std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      auto run = std::move(kept_.back());
      kept_.pop_back();
      return run;
    }
  }
  auto run = std::make_unique<message_run>();
  run->buffer = padded_buffer::of(capacity);
  return run;
}

message_run_ptr run_pool::share(std::unique_ptr<message_run> run) {
  return message_run_ptr(run.release(), [pool = shared_from_this()](const message_run* done) {
    pool->give_back(std::unique_ptr<message_run>(const_cast<message_run*>(done)));
  });
}

void run_pool::give_back(std::unique_ptr<message_run> run) noexcept {
  if (run->buffer.capacity != buffer_bytes_) return;
  run->messages.clear();
  run->envelopes.clear();
  run->true_size = 0;
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kept_max_) kept_.push_back(std::move(run));
}

message_run_ptr make_run(partition_id partition, sequence after, sequence last, timestamp arrival,
                         std::span<const std::pair<sequence, std::string_view>> messages,
                         std::optional<run_envelopes> envelopes) {
  auto run = std::make_shared<message_run>();
  run->partition = partition;
  run->after = after;
  run->last = last;
  run->arrival = arrival;
  run->replayed = envelopes.has_value();
  if (envelopes) run->envelopes = *std::move(envelopes);
  std::size_t bytes = 0;
  for (const auto& message : messages) bytes += message.second.size();
  each_text(run->envelopes, [&](std::string_view text) {
    bytes += text.size();
    return text;
  });
  run->buffer = padded_buffer::of(bytes);
  run->messages.reserve(messages.size());
  char* to = run->buffer.data.get();
  const auto keep = [&to](std::string_view text) {
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    const std::string_view kept(to, text.size());
    to += text.size();
    return kept;
  };
  for (const auto& [number, text] : messages) {
    const std::string_view kept = keep(text);
    run->messages.push_back({kept.data(), static_cast<std::uint32_t>(kept.size()), false, number});
  }
  each_text(run->envelopes, keep);
  std::memset(to, 0, buffer_padding);
  return run;
}

}  // namespace windrow::formats
