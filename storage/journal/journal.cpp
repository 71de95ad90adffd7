#include "storage/journal/journal.hpp"

#include <utility>

namespace windrow::storage {

journal::journal(const options& o, std::unique_ptr<journal_file> file)
    : file_(std::move(file)),
      partitions_(*file_, o.id_of_name),
      arrivals_(*file_, partitions_),
      skips_(*file_, partitions_),
      counters_(*file_),
      producers_(*file_),
      dead_letters_(*file_, partitions_, o.dead_letter_bytes),
      entries_(*file_),
      removal_(*file_, partitions_, dead_letters_, entries_),
      pushes_(*file_, entries_, producers_, dead_letters_) {}

result<void> journal::create(const options& o) {
  return journal_file::create(o.directory, o.map_bytes, o.identity);
}

result<std::unique_ptr<journal>> journal::open(const options& o) {
  auto file = journal_file::open(o.directory, o.map_bytes, o.identity);
  if (!file) return file.error();
  std::unique_ptr<journal> opened(new journal(o, std::move(*file)));
  auto loaded = opened->file_->read([&](const lmdb::read_transaction& txn) -> result<void> {
    if (auto done = opened->partitions_.load(txn); !done) return done;
    if (auto done = opened->dead_letters_.load(txn); !done) return done;
    return opened->entries_.load(txn);
  });
  if (!loaded) return loaded.error();
  return opened;
}

}  // namespace windrow::storage
