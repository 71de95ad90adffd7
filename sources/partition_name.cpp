#include "sources/partition_name.hpp"

#include <charconv>

namespace windrow::sources {

std::string partition_name(const file_identity& identity) {
  constexpr char digits[] = "0123456789abcdef";
  std::string name = "file:" + identity.path + "#";
  for (int shift = 60; shift >= 0; shift -= 4) name += digits[(identity.head_hash >> shift) & 15];
  return name + "." + std::to_string(identity.head_size);
}

result<file_identity> parse_file_partition_name(std::string_view name) {
  const failure bad{errc::corrupt,
                    "'" + std::string(name) + "' is not the name of a file's partition."};
  constexpr std::string_view prefix = "file:";
  const auto hash_at = name.rfind('#');
  if (!name.starts_with(prefix) || hash_at == name.npos || hash_at <= prefix.size()) return bad;
  const std::string_view rest = name.substr(hash_at + 1);
  if (rest.size() < 18 || rest[16] != '.') return bad;
  file_identity identity;
  identity.path = name.substr(prefix.size(), hash_at - prefix.size());
  const char* const end = rest.data() + rest.size();
  const auto hash = std::from_chars(rest.data(), rest.data() + 16, identity.head_hash, 16);
  if (hash.ec != std::errc() || hash.ptr != rest.data() + 16) return bad;
  const auto size = std::from_chars(rest.data() + 17, end, identity.head_size);
  if (size.ec != std::errc() || size.ptr != end) return bad;
  if (identity.head_size == 0 || identity.head_size > head_bytes_max) return bad;
  return identity;
}

std::string partition_name(const kafka_identity& identity) {
  return "kafka:" + identity.source + "/" + identity.topic + "/" + std::to_string(identity.number) +
         "#" + std::to_string(identity.incarnation);
}

result<kafka_identity> parse_kafka_partition_name(std::string_view name) {
  const failure bad{errc::corrupt,
                    "'" + std::string(name) + "' is not the name of a topic's partition."};
  constexpr std::string_view prefix = "kafka:";
  const auto source_end = name.find('/'), topic_end = name.rfind('/'), number_end = name.rfind('#');
  if (!name.starts_with(prefix) || source_end == name.npos || topic_end <= source_end ||
      number_end == name.npos || number_end < topic_end) {
    return bad;
  }
  kafka_identity identity;
  identity.source = name.substr(prefix.size(), source_end - prefix.size());
  identity.topic = name.substr(source_end + 1, topic_end - source_end - 1);
  const char* const number_to = name.data() + number_end;
  const auto number = std::from_chars(name.data() + topic_end + 1, number_to, identity.number);
  const char* const end = name.data() + name.size();
  const auto incarnation = std::from_chars(number_to + 1, end, identity.incarnation);
  if (number.ec != std::errc() || number.ptr != number_to || identity.number < 0 ||
      incarnation.ec != std::errc() || incarnation.ptr != end || identity.topic.empty()) {
    return bad;
  }
  return identity;
}

std::string stream_partition_name(std::string_view run) { return "stdin:" + std::string(run); }

std::string journal_partition_name(std::string_view folder) {
  return "journal:" + std::string(folder);
}

}  // namespace windrow::sources
