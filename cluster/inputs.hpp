#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "actors/source.hpp"
#include "schema/plan.hpp"
#include "sources/file_source.hpp"
#include "storage/journal.hpp"

namespace windrow::cluster {

/// The wall clock, in microseconds: what arrival is measured with.
std::int64_t wall_clock();

/// When bytes of files arrived, kept in the journal.
class journal_arrivals final : public sources::arrival_notes {
public:
  explicit journal_arrivals(storage::journal& journal) : journal_(journal) {}
  result<sources::arrival_note> note(storage::partition_id partition, storage::sequence from,
                                     storage::sequence to) override;
  result<void> end_line(storage::partition_id partition, storage::sequence at) override;

private:
  storage::journal& journal_;
};

/// A file as an input. Opening registers its partition in the journal, for one source only.
struct opened_file {
  storage::partition_id partition = 0;
  storage::sequence position = 0;
  std::uint64_t bytes = 0;            ///< size of the file
  std::shared_ptr<actors::input> in;  ///< null while the file is empty
};
struct file_request {
  int source = schema::none;
  std::string source_name;
  std::string path;
  std::string data;  ///< folder, for messages
  bool once = false;
  bool declared = true;  ///< the path is the declared one
};
/// `position_of` gives where every shard is for a partition.
result<opened_file> open_file(
    const file_request& request, storage::journal& journal, sources::arrival_notes& notes,
    const std::function<storage::sequence(storage::partition_id)>& position_of);

/// Sequences of the journal's messages: the entry's number times 2^20, plus the message's place in
/// it from 1, so that a batch may end inside an entry.
inline constexpr int entry_bits = 20;
inline constexpr std::uint64_t entry_messages_max = (std::uint64_t{1} << entry_bits) - 1;
/// The position at which an entry is wholly applied.
constexpr storage::sequence after_entry(storage::sequence entry) {
  return (entry + 1) << entry_bits;
}
/// The last entry that is wholly applied at a position.
constexpr storage::sequence entry_applied(storage::sequence position) {
  return position >> entry_bits == 0 ? 0 : (position >> entry_bits) - 1;
}

/// Wakes the journal's input when there is more, and tells it when there will be no more.
class journal_bell {
public:
  void ring();
  /// No more entries will come.
  void end();
  /// Waits for a ring, a few milliseconds at most; true where there may be more later.
  bool wait();

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  bool ended_ = false;
};

/// What an entry's stream name says: `stream:NAME` (a push) or `source:NAME` (standard input).
std::string stream_tag(std::string_view stream);
std::string source_tag(std::string_view source);

/// The journal as an input: whatever was pushed and is not applied yet, then what comes.
class journal_input final : public actors::input {
public:
  journal_input(schema::plan_ptr plan, storage::journal& journal, storage::partition_id partition,
                storage::sequence position, std::shared_ptr<journal_bell> bell)
      : plan_(std::move(plan)),
        journal_(journal),
        partition_(partition),
        position_(position),
        bell_(std::move(bell)) {}

  result<sources::source_step> next() override;
  int source() const noexcept override { return source_; }
  int stream() const noexcept override { return stream_; }

private:
  result<void> choose(const std::string& tag);

  schema::plan_ptr plan_;
  storage::journal& journal_;
  storage::partition_id partition_;
  storage::sequence position_;
  std::shared_ptr<journal_bell> bell_;
  int source_ = schema::none;
  int stream_ = schema::none;
};

}  // namespace windrow::cluster
