#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/aggregation/aggregation.hpp"
#include "schema/catalog/file_settings.hpp"
#include "schema/expression/column.hpp"
#include "schema/expression/program.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// What a catalog compiles to: everything ingest, shards and queries need, as plain immutable
/// values. Nothing here names a file, a thread or an actor. Indexes point into the vectors of
/// `plan`; identities (64-bit hashes of canonical definitions) stay the same when something is
/// renamed or moved.
namespace windrow::schema {

inline constexpr int none = -1;

/// What a record is keyed by: the primary key of a class, or the child side of a join.
///
/// A series joined on exactly the local class's primary key lives in the class's own key space,
/// so that an entity and its groups are one record. Key bytes, per part: str its bytes (with a
/// 32-bit little-endian length in front when there is more than one part), int and datetime
/// 8 bytes big-endian with the sign bit flipped, bool one byte. A float cannot be part of a key.
struct key_space {
  std::uint64_t id = 0;
  std::string name;  ///< for people: `User`, `Transaction by (user_id, country)`
  std::vector<value_type> parts;
  std::vector<std::string> part_names;
  /// The class whose primary key this is, or `none`.
  int entity_class = none;
  /// Parts hashed for placement. All of them, or, where the local join keys include the primary
  /// key, only that part, so that groups sit on their entity's shard.
  std::vector<int> placement_parts;
  /// The key space whose hash of those parts places a group: that of the entity it belongs to.
  /// `none`: this one.
  int placed_by = none;
  std::vector<int> scalars;  ///< `plan.scalars` stored in records of this space
  std::vector<int> tilings;  ///< `plan.tilings` of this space, longest bucket first
};

/// A scalar feature that is stored online: newest event time wins.
struct scalar {
  std::uint64_t id = 0;
  std::string fqn;  ///< `user.name`
  value_type type;
  int entity_class = none;
  int key_space = none;
  std::int64_t max_staleness = 0;  ///< microseconds
};

/// The series that share child class, join key, filter and updating streams see the same rows:
/// together they are a watermark group. It has one newest event time, from which lateness and
/// retention are measured.
struct watermark_group {
  std::uint64_t id = 0;
  int key_space = none;
  std::string child_class;
  std::string filter;  ///< canonical text; empty without a filter
};

struct partial {
  partial_kind kind = partial_kind::non_null;
  int argument = none;         ///< index into `tiling.arguments`
  int second_argument = none;  ///< the same; none where it folds one column
  std::int64_t parameter = 0;  ///< what its state depends on beside the rows
};

/// The tiles of one watermark group with one bucket length and origin, by which `id` knows them.
struct tiling {
  std::uint64_t id = 0;
  int watermark_group = none;
  int key_space = none;
  std::int64_t duration = 0;           ///< microseconds, > 0
  std::int64_t origin = 0;             ///< microseconds since the epoch, in [0, duration)
  std::int64_t retention = 0;          ///< the longest of its rules'
  std::vector<std::string> arguments;  ///< canonical texts
  std::vector<value_type> argument_types;
  /// In storage order. A tile is its bucket, its row count, then these.
  std::vector<partial> partials;
};

/// How a series is folded: one aggregation over one bucket length and origin.
struct rule {
  std::uint64_t id = 0;
  int series = none;
  int tiling = none;
  aggregation function = aggregation::count;
  std::vector<windrow::value> parameters;  ///< the constants in its parentheses, in order
  std::int64_t retention = 0;  ///< longest window that uses it plus one bucket, or declared
  /// Indexes into `tiling.partials`; `none` where the row count serves.
  int value_partial = none;
  int non_null_partial = none;
  std::vector<int> window_values;  ///< `plan.window_values` that read it
};

/// What is aggregated: (child class, join key, arguments, filter).
struct series {
  std::uint64_t id = 0;
  std::string child_class;
  std::vector<std::string> join_key;  ///< child fields, in the key space's part order
  std::string argument;               ///< canonical text; empty for `count`
  std::string second_argument;        ///< canonical text; empty if there is one column
  std::string filter;                 ///< canonical text; empty without a filter
  int watermark_group = none;
  int key_space = none;
  std::vector<int> rules;
};

/// One window of one windowed feature: what a query reads.
struct window_value {
  std::string fqn;          ///< `user.sum_transaction_amount__600__`
  int feature = none;       ///< `plan.windowed_features`
  std::int64_t window = 0;  ///< microseconds
  int rule = none;
  bool all = false;  ///< `__all__`
};

struct windowed_feature {
  std::string fqn;   ///< `user.sum_transaction_amount`
  std::string name;  ///< `sum_transaction_amount`
  int entity_class = none;
  aggregation function = aggregation::count;
  value_type type;  ///< what a query returns
  std::optional<windrow::value> default_value;
  std::vector<int> window_values;  ///< shortest window first
  /// What of the entity gives the group's key, in the key space's part order: `plan.scalars`, or
  /// `none` for the primary key.
  std::vector<int> local_key;
};

struct entity_class {
  std::string name;            ///< `User`
  std::string namespace_name;  ///< `user`
  std::string primary_key;     ///< the field, normally `id`
  value_type key_type;
  int key_space = none;
  std::vector<int> scalars;  ///< stored ones
  std::vector<int> windowed_features;
};

/// How one stream reaches the records of one key space. A message that yields a row gives each of
/// its stream's routes at most one row, and none where a part of the key is null.
struct route {
  int stream = none;
  int key_space = none;
  std::vector<int> key;  ///< stream outputs, one a key part

  /// Outputs whose columns travel with the rows; the indexes below point into this list.
  std::vector<int> columns;

  struct scalar_write {
    int scalar = none;  ///< `plan.scalars`
    int column = none;
  };
  std::vector<scalar_write> scalars;

  struct tiling_update {
    int tiling = none;
    int filter = none;           ///< a bool column, or none; a row counts where it is true
    std::vector<int> arguments;  ///< one a `tiling.arguments`
  };
  std::vector<tiling_update> tilings;

  /// Timelines the route feeds, with the filter column of each (or none).
  struct watermark_group_feed {
    int watermark_group = none;
    int filter = none;
  };
  std::vector<watermark_group_feed> watermark_groups;
};

struct source {
  std::string name;
  const source_kind* kind = &file_kind;        ///< of `source_kinds()`
  std::string path;                            ///< of a file: absolute, or `-`
  std::int64_t max_future_skew = 300'000'000;  ///< microseconds
  std::int64_t late_arrival_deadline = -1;     ///< microseconds; -1: none
  source_settings settings = {};               ///< as declared, secrets among them
};

/// One declared key of a message.
struct message_field {
  std::string name;
  value_type type;
};

/// A stream resolver: how messages of a source become rows.
///
/// `resolve` reads these columns: first the message fields in order, then the envelope columns
/// named in `envelope` (`message_key`, `message_time`, `message_headers.h`).
struct stream {
  std::string name;
  int source = none;
  std::vector<message_field> message;
  std::vector<std::string> envelope;
  std::shared_ptr<const program> resolve;
  /// Program output that decides whether a message is skipped (null means skip), or none.
  int parse_output = none;
  /// Program output holding the event time (datetime), or none: envelope time, else arrival.
  int time_output = none;
  /// Outputs that must not be null for a row to be kept, with the feature's name for the message
  /// (`Transaction.amount`): an expression that gives null for a type that forbids it is a
  /// `resolve` error of that row.
  struct required_output {
    int output = none;
    std::string feature;
  };
  std::vector<required_output> required;
  /// Which messages are repeats of others: those with the same value of a program output (null: of
  /// none) and an event time at most `within` apart. Of a type that a key may have.
  struct deduplication_rule {
    int output = none;        ///< none: no message is a repeat
    std::int64_t within = 0;  ///< microseconds
  } deduplication;
  std::vector<int> routes;
};

/// Whether a stream updates a series, and if not, why.
struct inference {
  int stream = none;
  int series = none;
  bool updates = false;
  std::string reason;  ///< empty if it updates
};

struct plan {
  std::uint32_t catalog_version = 1;
  /// Hash of the canonical definitions: equal digests mean interchangeable state. Covers features,
  /// streams and the names of sources, not their paths or settings.
  std::uint64_t digest = 0;
  std::vector<entity_class> classes;
  std::vector<key_space> key_spaces;
  std::vector<scalar> scalars;
  std::vector<watermark_group> watermark_groups;
  std::vector<tiling> tilings;
  std::vector<series> all_series;
  std::vector<rule> rules;
  std::vector<windowed_feature> windowed_features;
  std::vector<window_value> window_values;
  std::vector<source> sources;
  std::vector<stream> streams;
  std::vector<route> routes;
  std::vector<inference> inferences;
};
using plan_ptr = std::shared_ptr<const plan>;

/// One thing a query can ask for.
struct feature_reference {
  enum class kind : std::uint8_t { primary_key, scalar, window_value } what = kind::scalar;
  int index = none;  ///< into `plan.scalars` or `plan.window_values`
};

/// Resolves one name a user may write for features of `entity_class`: `name`, `User.name`,
/// `user.name`, `sum["10m"]`, `sum[10m]`, `User.sum["10m"]`, `user.sum__600__`, `sum__all__`.
/// A windowed feature without a window gives all its windows, shortest first. Anything else is
/// `not_found` with what the class does have.
result<std::vector<feature_reference>> resolve_feature(const plan& p, int entity_class,
                                                       std::string_view name);

/// The class named `User` or `user`, or `not_found` with the names there are.
result<int> resolve_class(const plan& p, std::string_view name);

/// The field of the class, as it is declared, that gives part `part` of the group's key.
std::string_view local_field(const plan& p, const windowed_feature& f, std::size_t part);

/// Start of the bucket that contains `time`: floor, also before the epoch.
constexpr std::int64_t bucket_index(std::int64_t time, std::int64_t duration,
                                    std::int64_t origin) noexcept {
  const std::int64_t offset = time - origin;
  return offset >= 0 ? offset / duration : -((-offset + duration - 1) / duration);
}
constexpr std::int64_t bucket_start(std::int64_t index, std::int64_t duration,
                                    std::int64_t origin) noexcept {
  return origin + index * duration;
}

}  // namespace windrow::schema
