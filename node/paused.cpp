#include "node/paused.hpp"

namespace windrow::node {

namespace {

std::string source_key(const std::string& source) { return "paused " + source; }
// A name has no line break.
std::string partition_key(storage::partition_id id) { return "paused\n" + storage::hex_of(id); }

result<bool> either(storage::journal& journal, const std::string& one, const std::string& other) {
  auto all = journal.counters().all();
  if (!all) return all.error();
  for (const std::string& key : {one, other}) {
    const auto found = all->find(key);
    if (found != all->end() && found->second != 0) return true;
  }
  return false;
}

}  // namespace

result<bool> is_paused(storage::journal& journal, const std::string& source,
                       storage::partition_id partition) {
  return either(journal, source_key(source), partition_key(partition));
}

result<bool> is_paused(storage::journal& journal, const std::string& source) {
  return either(journal, source_key(source), source_key(source));
}

result<void> set_paused(storage::journal& journal, const std::string& source,
                        std::optional<storage::partition_id> partition, bool paused) {
  const std::pair<std::string, std::uint64_t> mark{
      partition ? partition_key(*partition) : source_key(source), paused ? 1 : 0};
  return journal.counters().set({&mark, 1});
}

}  // namespace windrow::node
