#include "ingest/duplicates.hpp"

#include "schema/catalog/key.hpp"

namespace windrow::ingest {

ingest_duplicates::ingest_duplicates(const schema::plan& plan, int stream,
                                     storage::partition_id partition, std::uint64_t folder_seed,
                                     storage::dedup_index& seen)
    : stream_(plan.streams[static_cast<std::size_t>(stream)]),
      number_(stream),
      partition_(partition),
      folder_seed_(folder_seed),
      seen_(seen) {}

result<std::size_t> ingest_duplicates::drop(const formats::message_run& run, std::size_t begin,
                                            resolved_block& block) {
  const auto output = static_cast<std::size_t>(stream_.deduplication.output);
  const schema::column* const ids[] = {block.outputs[output]};
  const std::size_t count = block.kept_rows();
  messages_.clear();
  rows_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t row = block.all_kept ? static_cast<std::uint32_t>(i) : block.kept[i];
    std::string_view key;
    if (!schema::view_key(key, key_, ids, row)) continue;
    messages_.push_back({storage::dedup_index::hash_id(key, folder_seed_, stream_.name),
                         block.times[row], run.messages[begin + block.messages[row]].sequence});
    rows_.push_back(row);
  }
  if (auto decided = seen_.decide(number_, partition_, messages_, duplicate_); !decided)
    return decided.error();
  std::size_t duplicates = 0;
  for (const std::uint8_t is : duplicate_) duplicates += is;
  if (duplicates == 0) return duplicates;
  std::vector<std::uint32_t> kept;
  kept.reserve(count - duplicates);
  for (std::size_t i = 0, next = 0; i < count; ++i) {
    const std::uint32_t row = block.all_kept ? static_cast<std::uint32_t>(i) : block.kept[i];
    const bool has_id = next < rows_.size() && rows_[next] == row;
    if (!has_id || duplicate_[next] == 0) kept.push_back(row);
    if (has_id) ++next;
  }
  block.kept = std::move(kept);
  block.all_kept = false;
  return duplicates;
}

}  // namespace windrow::ingest
