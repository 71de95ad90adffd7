#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "windrow/export.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// The embedded library: one process, one data folder.
///
///     auto engine = windrow::engine::open({.declarations = "features.yaml", .data = "./state"});
///     engine->push("transaction_stream", {R"({"id": "t1", "user_id": "u1", "amount": 12.5})"});
///     engine->settle();
///     auto answer = engine->query({.entities = {{"User", "u1"}}, .features = {"sum_amount[1h]"}});
namespace windrow {

struct engine_options {
  /// A YAML file of declarations. Empty: the declarations the folder was made with.
  std::string declarations;
  /// The data folder; made where there is none.
  std::string data;
  /// Fixed when the folder is made. 0: what the folder has, or one a core.
  unsigned shards = 0;
  /// Bytes the engine may use: records and their tables (nine tenths of what is left after a fixed
  /// part), batches under way, writes being encoded. State beyond it lives on disk. At least 16
  /// MiB.
  std::size_t memory = std::size_t{1} << 30;
  /// How often every change is brought to disk.
  std::chrono::milliseconds checkpoint_interval{10'000};
};

/// An entity as a user names it: `{"User", "u1"}`. The key is text of the primary key's type.
struct entity_reference {
  std::string entity_class;
  std::string key;
  /// The time this entity's windows end at; nothing: that of the query.
  std::optional<timestamp> now{};
};

struct query_request {
  std::vector<entity_reference> entities;
  /// `name`, `User.name`, `sum_amount["1h"]`, `user.sum_amount__3600__`; a windowed feature without
  /// a window asks for all of them. A name with a class is asked of that class's entities only.
  std::vector<std::string> features;
  /// The time windows end at; nothing: the wall clock.
  std::optional<timestamp> now;
};

/// One value of an answer. Exactly one of value and error is meant: `value.ok()` tells.
struct feature_answer {
  std::string feature;  ///< canonical: `user.name`, `user.sum_amount__3600__`
  result<windrow::value> value = windrow::value{};
  /// Scalars: the event time of the stored value, where there is one.
  std::optional<timestamp> at;
  /// Scalars: set where the stored value is older than its max_staleness; `value` is then null.
  std::optional<std::chrono::microseconds> age;
  /// Windows: the interval that was covered, [from, to), and the rows in it that passed the filter.
  std::optional<timestamp> from;
  std::optional<timestamp> to;
  std::uint64_t events = 0;
};

struct answer_row {
  std::string entity;  ///< class
  value key;
  /// Per source partition, how far this row's state has it: bytes of a file, pushes of `journal`.
  std::map<std::string, std::uint64_t> position;
  std::vector<feature_answer> features;
  /// Set if its entity was asked about with a time of its own.
  std::optional<timestamp> now{};
};

struct query_answer {
  timestamp now;
  std::uint32_t catalog_version = 0;
  std::vector<answer_row> rows;  ///< one an entity asked for, in order, known or not
};

/// The buckets behind one value.
struct explanation {
  answer_row row;  ///< with that one feature
  struct bucket {
    timestamp start;
    timestamp end;
    std::uint64_t events = 0;
    result<windrow::value> value = windrow::value{};
  };
  std::vector<bucket> buckets;  ///< those with events, oldest first
};

/// Who pushes, for pushes that may have to be repeated: a producer is any name of 1 to 256 bytes
/// (UTF-8), and numbers its pushes 1, 2, 3, … whatever their stream. Without one, a push whose
/// answer was lost and that is sent again counts again.
struct push_options {
  std::string producer{};
  std::uint64_t sequence = 0;
};
struct push_receipt {
  /// The journal's, of the entry that holds the push. 0 for a repetition of a push so old that it
  /// is not remembered (the producer's last 16 are).
  std::uint64_t sequence = 0;
  /// This sequence of the producer had been pushed before; nothing was counted again.
  bool duplicate = false;
};

/// The features of one class, resolved once for many lookups. Valid for the engine that made it.
class WINDROW_EXPORT prepared_query {
public:
  prepared_query();
  ~prepared_query();
  prepared_query(prepared_query&&) noexcept;
  prepared_query& operator=(prepared_query&&) noexcept;

private:
  friend class engine;
  struct WINDROW_INTERNAL impl;
  std::unique_ptr<impl> impl_;
};

/// Window state, kept up to date and served. Movable; closing (or destroying) it checkpoints.
///
/// Threads: any number of threads may call anything at once, except `close`. Ownership: the engine
/// owns the folder's lock until it is closed. Errors are values; after an `io` or `corrupt` failure
/// of the state itself pushes answer `closed` with that reason, and lookups go on where they can.
class WINDROW_EXPORT engine {
public:
  static result<engine> open(const engine_options& options);
  ~engine();
  engine(engine&&) noexcept;
  engine& operator=(engine&&) noexcept;

  /// Accepts messages (JSON objects) of a stream: all or none. When this returns they are durable
  /// and will be applied exactly once, also after a crash. A message that cannot be applied becomes
  /// a dead letter, not an error here. At most 2^20 - 1 messages, and 64 MiB. Threads that push at
  /// once share a commit.
  ///
  /// With a producer: the sequence after its last one is taken; one at or below the last is a
  /// duplicate, and is acknowledged but not counted, or `conflict` where it is remembered with
  /// other content or another stream; one further ahead is a `gap`. So repeat a push as it was
  /// until it is answered, then go on; a producer pushes from one place at a time.
  result<push_receipt> push(std::string_view stream, std::span<const std::string_view> messages,
                            const push_options& options = {});
  result<push_receipt> push(std::string_view stream,
                            std::initializer_list<std::string_view> messages,
                            const push_options& options = {}) {
    return push(stream, std::span(messages.begin(), messages.size()), options);
  }
  /// The last sequence that was taken of a producer; 0 before the first. It goes on after that.
  result<std::uint64_t> producer_sequence(std::string_view producer) const;
  /// Returns once everything pushed before the call is visible to lookups.
  result<void> settle();

  result<query_answer> query(const query_request& request) const;
  result<explanation> explain(const entity_reference& entity, const std::string& feature,
                              std::optional<timestamp> now = std::nullopt) const;

  /// For many lookups of the same features: resolves the names once.
  result<prepared_query> prepare(std::string_view entity_class,
                                 std::span<const std::string> features) const;
  /// Answers for one entity; a few microseconds where its record is in memory.
  result<answer_row> lookup(const prepared_query& query, std::string_view key, timestamp now) const;

  /// Brings every change so far to disk.
  result<void> checkpoint();
  /// Checkpoints and releases the folder. Further calls answer `closed`. Other threads must have
  /// returned from theirs.
  result<void> close();

private:
  struct WINDROW_INTERNAL impl;
  WINDROW_INTERNAL explicit engine(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace windrow
