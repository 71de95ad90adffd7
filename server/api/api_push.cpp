// What is pushed to a node by HTTP.
#include <charconv>

#include "formats/body_framing.hpp"
#include "server/api/api.hpp"
#include "server/api/media_type.hpp"
#include "server/body/body_codec.hpp"
#include "server/body/push_json.hpp"

namespace windrow::server {
namespace {

result<push_options> producer_of(const request& asked) {
  push_options out;
  out.producer = std::string(asked.header("windrow-producer"));
  const std::string_view sequence = asked.header("windrow-sequence");
  if (out.producer.empty() && sequence.empty()) return out;
  const char* end = sequence.data() + sequence.size();
  const auto read = std::from_chars(sequence.data(), end, out.sequence);
  if (out.producer.empty() || read.ec != std::errc() || read.ptr != end || out.sequence == 0) {
    return failure{errc::invalid,
                   "`Windrow-Producer` (a name) and `Windrow-Sequence` (1, 2, 3, …) "
                   "belong together"};
  }
  return out;
}

/// The messages of a body; `text` holds those that do not stand there as they are.
result<formats::split_messages> messages_of(const request& asked, std::size_t most,
                                            std::string& text) {
  const std::string_view type = asked.header("content-type");
  if (is_media_type(type, capnp_type)) {
    auto decoded = decode_push(asked.body, most);
    if (!decoded) return decoded.error();
    text = std::move(decoded->text);
    return formats::split_messages{cut(text, decoded->ends), decoded->too_many};
  }
  for (const formats::body_framing& framing : formats::body_framings()) {
    if (is_media_type(type, framing.media_type)) return framing.split(asked.body, most);
  }
  return formats::body_framings().front().split(asked.body, most);
}

std::vector<push_error> errors_of(const std::vector<cluster::rejected_message>& rejected) {
  std::vector<push_error> out;
  for (const cluster::rejected_message& m : rejected)
    out.push_back({m.place, m.phase, m.reason, m.detail});
  return out;
}

}  // namespace

response api::push(const call& what) {
  const auto wait = what.address.one("wait");
  if (!wait) return problem(wait.error());
  if (*wait && **wait != "applied" && **wait != "durable") {
    return problem(400, "invalid", "`wait` is `applied` or `durable`");
  }
  const auto options = producer_of(what.asked);
  if (!options) return problem(options.error());
  std::string text;
  const auto split = messages_of(what.asked, options_.bounds.push_rows, text);
  if (!split) return problem(split.error());
  if (split->too_many) {
    return problem(413, "too_large",
                   "a push of more than " + std::to_string(options_.bounds.push_rows) +
                       " messages; send several");
  }
  if (service_.pushes_waiting() >= options_.bounds.pushes_waiting) {
    auto out = problem(429, "behind",
                       "what was pushed before is not applied yet; push it again in "
                       "a second");
    out.headers.emplace_back("Retry-After", "1");
    return out;
  }
  push_answer out;
  out.stream = what.parameters[0];
  out.messages = split->messages.size();
  auto receipt = service_.push(out.stream, split->messages, *options);
  if (!receipt) return problem(receipt.error());
  out.receipt = *receipt;
  if (out.receipt.sequence != 0 && (!*wait || **wait == "applied")) {
    const auto applied = service_.wait_applied(out.receipt.sequence, options_.bounds.apply_time);
    // It is durable, whatever comes then: a failed node says so when it is asked next.
    out.applied = applied && *applied;
  }
  if (out.applied) {
    // Durable and perhaps applied: an answer with an error would have it pushed again.
    const auto rejected = service_.rejected(out.receipt.sequence);
    out.applied = rejected.ok();
    if (rejected) out.errors = errors_of(*rejected);
  }
  response answer;
  answer.type = what.answers;
  answer.body = what.answers == capnp_type ? encode_push_answer(out) : push_json(out);
  return answer;
}

}  // namespace windrow::server
