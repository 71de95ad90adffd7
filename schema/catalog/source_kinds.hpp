#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "windrow/result.hpp"

/// The kinds of sources that can be declared: what each is called, which settings it has and what
/// its positions count. How a kind is read is `sources/kinds.hpp`.
///
/// A kind is one constant of type `source_kind` in a file of its own and a line in the table of
/// `source_kinds.cpp`. Reading declarations, keeping them, planning and everything that shows
/// sources walks the table.
namespace windrow::schema {

/// What positions count, for people.
enum class position_unit : std::uint8_t {
  bytes,     ///< of a file
  messages,  ///< of a log
  pushes,    ///< of the journal
};
std::string_view to_string(position_unit unit) noexcept;
std::optional<position_unit> parse_position_unit(std::string_view text) noexcept;

/// Settings by name, as they are declared and kept.
using source_settings = std::vector<std::pair<std::string, std::string>>;

/// One setting of a kind of source.
struct source_setting {
  std::string_view name;  ///< as declared: `sasl_username`
  /// What the library that reads the source calls it; empty if the source itself acts on it.
  std::string_view property = {};
  bool secret = false;  ///< never stored, never shown
  bool path = false;    ///< of a file; relative to the declarations
  bool required = false;
  /// The value of the setting `name` as it is kept, or `invalid` with what may stand there. Null:
  /// any text that is not empty.
  result<std::string> (*read)(std::string_view name, std::string_view value) = nullptr;
};

/// Further settings of the library that reads a source, by the library's names.
struct library_arguments {
  std::string_view key;      ///< under which they stand: `kafka_args`
  std::string_view library;  ///< for messages
  /// Why the argument `name` may not be given, with what to write instead; nothing if it may.
  std::optional<std::string> (*refused)(std::string_view name) = nullptr;
};

/// What is wrong with settings that are right one by one; `setting` is the one to point at.
struct setting_problem {
  std::string setting;
  std::string message;
};

/// What stands behind the kind's name in declarations.
enum class source_form : std::uint8_t {
  value,     ///< the value of the only setting: `file: events.ndjson`
  flag,      ///< `true`: there are no settings
  settings,  ///< a mapping
};

struct source_kind {
  std::string_view name;  ///< in declarations, in a catalog, and for people
  position_unit unit = position_unit::messages;
  source_form form = source_form::settings;
  std::string_view example;  ///< of a declaration: `file: events.ndjson`
  /// For `value`: what is expected, in words: "a path such as `events.ndjson`".
  std::string_view expected = {};
  std::span<const source_setting> settings = {};  ///< in the order of their names
  const library_arguments* arguments = nullptr;
  /// What is wrong between settings, each of which is right; `what` names the mapping in messages.
  /// Null: nothing can be.
  std::vector<setting_problem> (*check)(const source_settings& settings,
                                        const std::string& what) = nullptr;
  /// Its setting `path` names one file, which is its only partition.
  bool is_file = false;
  /// Something is read. Else the source has no partitions: its streams get what is pushed.
  bool is_read = true;
};

/// All there are, in the order of their names.
std::span<const source_kind* const> source_kinds() noexcept;
/// Null if there is no such kind.
const source_kind* find_source_kind(std::string_view name) noexcept;
/// Their names for messages: "`file`, `kafka`".
std::string source_kind_names();

/// How a library's argument is kept beside the kind's settings: `kafka_args.client.id`.
std::string argument_name(const library_arguments& arguments, std::string_view name);
/// The library's name of a setting that is kept so; nothing if it is one of the kind's own.
std::optional<std::string_view> library_name(const source_kind& kind, std::string_view setting);

/// Whether the kept setting of a source of a kind (`sasl_password`,
/// `kafka_args.ssl.keystore.password`) holds a secret. What nobody knows is one if it sounds so.
bool is_secret_setting(std::string_view kind, std::string_view setting);

}  // namespace windrow::schema
