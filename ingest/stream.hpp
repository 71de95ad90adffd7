#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/decoder.hpp"
#include "formats/message_run.hpp"
#include "schema/expression/program.hpp"
#include "schema/plan/plan.hpp"
#include "storage/shard/placement.hpp"

namespace windrow::ingest {

/// Why one stream could not apply one message.
struct refusal {
  std::uint32_t message = 0;  ///< index in the block
  const char* phase = "";     ///< `parse`, `resolve`, `time`
  std::string_view reason;    ///< static text
  std::string text;
};

/// Key bytes of a route, indexed by row.
struct route_keys {
  const std::string_view* keys = nullptr;
  /// 0 if a part of the key is null, so that the row does not exist for the route; null: none.
  const std::uint8_t* present = nullptr;
};

/// What a stream made of a block of messages. Valid until the next block.
struct resolved_block {
  std::size_t rows = 0;
  /// The message (index in the block) of each row.
  const std::uint32_t* messages = nullptr;
  /// The rows that are applied, where it is not all of them.
  bool all_kept = true;
  std::vector<std::uint32_t> kept;
  /// Event times, one a row.
  const std::int64_t* times = nullptr;
  /// The program's outputs; null for those that no route needs.
  std::vector<const schema::column*> outputs;
  std::vector<route_keys> routes;  ///< one a route of the stream
  std::vector<refusal> refusals;
  std::size_t skipped = 0;

  std::size_t kept_rows() const noexcept { return all_kept ? rows : kept.size(); }
};

/// One stream resolver at work: decodes a block of messages, decides which are rows, computes
/// what the rows hold, their event times and their keys. Plain; one thread.
class ingest_stream {
public:
  ingest_stream(schema::plan_ptr plan, int stream);

  /// Resolves messages [begin, end) of `run`.
  resolved_block& resolve(const formats::message_run& run, std::size_t begin, std::size_t end);

  const schema::stream& declared() const noexcept { return stream_; }

private:
  /// A route's key, and the memory of the keys that had to be put together.
  struct route_state {
    std::vector<const schema::column*> parts;
    std::string bytes;
    std::vector<std::uint32_t> ends;
    std::vector<std::string_view> keys;
    std::vector<std::uint8_t> present;
  };

  void fill_envelope(const formats::message_run& run, std::size_t begin);
  void compute_outputs();
  void skip_unparsed();
  void refuse_nulls();
  void find_times(const formats::message_run& run, std::size_t begin);
  void check_times(const formats::message_run& run, std::size_t begin);
  bool all_in_time(const formats::message_run& run, std::size_t begin) const;
  /// `replayed` is when the message came last: its arrival, unless it is replayed.
  void check_time(std::uint32_t row, std::int64_t arrival, std::int64_t replayed);
  void make_keys(std::size_t route);
  void check_keys(std::size_t route);
  void collect_kept();
  /// The row is not applied. False if that was known.
  bool drop(std::uint32_t row);
  void refuse(std::uint32_t row, const char* phase, std::string_view reason, std::string text);

  const schema::plan_ptr plan_;
  const schema::stream& stream_;
  const schema::source& source_;
  std::vector<bool> used_outputs_;
  std::vector<bool> used_fields_;
  std::unique_ptr<formats::decoder> decoder_;
  formats::decoded_rows decoded_;
  std::vector<schema::column> envelope_;
  std::vector<const schema::column*> inputs_;
  schema::program::scratch scratch_;
  std::vector<std::int64_t> times_;
  std::vector<std::uint8_t> dropped_;  ///< empty, or one a row
  std::vector<route_state> routes_;
  resolved_block block_;
};

}  // namespace windrow::ingest
