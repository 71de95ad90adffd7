#include "node/open_folder.hpp"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.hpp"
#include "node/shard_set.hpp"
#include "schema/catalog/catalog_codec.hpp"
#include "schema/compile.hpp"
#include "storage/folder/rollback_guard.hpp"

namespace windrow::node {

namespace {

// What is left of the memory limit for the shards: the program itself and its buffers come first,
// then an eighth for batches under way and for what their records take beyond a full budget.
std::size_t record_budget(std::size_t memory, std::size_t ids, std::size_t shards) {
  const std::size_t fixed = std::min<std::size_t>(std::size_t{32} << 20, memory / 2);
  return (memory - ids - fixed - memory / 8) / shards;
}

bool deduplicates(const schema::plan& plan) {
  return std::any_of(plan.streams.begin(), plan.streams.end(), [](const schema::stream& s) {
    return s.deduplication.output != schema::none;
  });
}

// A quarter of the memory limit, if ids are kept.
std::size_t ids_budget(const schema::plan& plan, std::size_t memory) {
  return deduplicates(plan) ? memory / 4 : 0;
}

// Folding is what costs: ingest and the writer leave most of a core each to a shard.
unsigned default_shards() { return std::max(1u, std::thread::hardware_concurrency()); }

/// Opens the folder for the plan that is wanted, if one is; makes it if there is none.
result<storage::folder> open_or_make(const node_options& options, const schema::plan_ptr& wanted) {
  storage::folder::expectation expected;
  if (options.shards > 0) expected.shard_count = options.shards;
  if (wanted) expected.plan_digest = wanted->digest;
  auto opened = storage::folder::open(options.data, expected);
  if (opened || opened.error().code != errc::not_found || options.read_only) return opened;
  if (!wanted) {
    return failure{errc::not_found,
                   opened.error().message + "; to make a new one, give declarations"};
  }
  storage::folder::create_options create;
  create.path = options.data;
  create.shard_count = options.shards > 0 ? options.shards : default_shards();
  create.plan_digest = wanted->digest;
  create.catalog = schema::encode_catalog(*options.declarations);
  create.created = wall_clock();
  create.dedup_index = deduplicates(*wanted);
  return storage::folder::create(create);
}

result<std::unique_ptr<storage::dedup_index>> open_dedup(const storage::folder& folder,
                                                         const schema::plan& plan,
                                                         const node_options& options) {
  if (!deduplicates(plan)) return std::unique_ptr<storage::dedup_index>();
  storage::dedup_index::options o = folder.dedup_options();
  for (const schema::stream& s : plan.streams)
    o.streams.push_back({s.name, s.deduplication.within});
  o.memory = ids_budget(plan, options.memory);
  o.read_only = options.read_only;
  return storage::dedup_index::open(o);
}

// From here on a copy of one file that was made before is known to be old.
result<void> begin_session(stored_state& s) {
  if (auto begun = s.journal->begin_session(); !begun) return begun;
  if (s.dedup)
    if (auto begun = s.dedup->begin_session(); !begun) return begun;
  if (auto begun = s.shards->begin_session(); !begun) return begun;
  return storage::note_versions(s.folder.path());
}

}  // namespace

result<std::unique_ptr<stored_state>> open_stored_state(const node_options& options) {
  schema::plan_ptr plan;
  if (options.declarations) {
    auto compiled = schema::compile_catalog(*options.declarations);
    if (!compiled) return compiled.error();
    plan = *compiled;
  }
  auto folder = open_or_make(options, plan);
  if (!folder) return folder.error();
  if (!plan) {
    auto declarations = schema::decode_catalog(folder->catalog());
    if (!declarations) return declarations.error();
    auto compiled = schema::compile_catalog(*declarations);
    if (!compiled) return compiled.error();
    plan = *compiled;
  }
  auto out = std::unique_ptr<stored_state>(new stored_state{std::move(*folder), plan, {}, {}, {}});
  storage::journal::options o;
  o.directory = out->folder.journal_directory();
  o.identity = out->folder.journal_identity();
  o.map_bytes = out->folder.map_bytes();
  auto journal = storage::journal::open(o);
  if (!journal) return journal.error();
  out->journal = std::move(*journal);
  auto dedup = open_dedup(out->folder, *plan, options);
  if (!dedup) return dedup.error();
  out->dedup = std::move(*dedup);
  const std::size_t budget = record_budget(options.memory, ids_budget(*plan, options.memory),
                                           out->folder.meta().shard_count);
  auto shards = shard_set::open(out->folder, budget);
  if (!shards) return shards.error();
  out->shards = std::move(*shards);
  if (!options.read_only) {
    if (auto begun = begin_session(*out); !begun) return begun.error();
  }
  return out;
}

}  // namespace windrow::node
