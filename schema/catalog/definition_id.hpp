#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace windrow::schema {

/// Of the language in which definitions are written. Part of every id: where the same text comes to
/// mean something else, this is raised, and what was stored for the old meaning is not taken for
/// the new one's.
inline constexpr std::int64_t language_version = 1;

/// Hashes a canonical definition: XXH3, 64 bits, over its parts with a length in front of each,
/// so that no two definitions read alike. Stored in folders: never change what is added, or in
/// which order, for an existing kind of thing.
class definition_hash {
public:
  explicit definition_hash(std::string_view kind) { add(kind).add(language_version); }

  definition_hash& add(std::string_view part);
  definition_hash& add(const char* part) { return add(std::string_view(part)); }
  definition_hash& add(std::int64_t part);
  definition_hash& add_id(std::uint64_t id) { return add(static_cast<std::int64_t>(id)); }
  std::uint64_t finish() const noexcept;

private:
  std::string bytes_;
};

}  // namespace windrow::schema
