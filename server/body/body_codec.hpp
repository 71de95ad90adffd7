#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/body/push_json.hpp"
#include "server/body/query_json.hpp"

/// Bodies in Cap'n Proto (`api.capnp`). Whatever the bytes are, a decoder ends in time and memory
/// in proportion to them, with what they say or `invalid`. Nothing throws.
namespace windrow::server {

inline constexpr std::string_view capnp_type = "application/x-capnp";

/// The text of `api.capnp`.
std::string_view api_schema() noexcept;

/// The same as `read_query`. Of more than `most` entities one more is read, so that it is seen.
result<query_request> decode_query(std::string_view body, std::size_t most);
/// `query_json` and `entity_json` as bytes: values keep their types, times are times, features of
/// a row stay in the order they were asked for in.
std::string encode_answer(const query_answer& answer);

/// The messages of a push as the journal keeps them: JSON objects, one behind the other.
struct pushed_messages {
  std::string text;
  std::vector<std::size_t> ends;  ///< one a message
  bool too_many = false;          ///< there are more than `most`; then none is here
};

/// `text` cut at `ends`.
std::vector<std::string_view> cut(std::string_view text, const std::vector<std::size_t>& ends);

/// Columns to messages: keys in the order of the columns, integers and floats as they read back to
/// the same number, times in RFC 3339. What JSON or windrow cannot say (a float that is not finite,
/// text that is not UTF-8, a time beyond the year 9999) is written so that the message that holds
/// it is refused when it is applied, and no other. `invalid` where the columns are no push.
result<pushed_messages> decode_push(std::string_view body, std::size_t most);
std::string encode_push_answer(const push_answer& answer);

}  // namespace windrow::server
