#include "sources/file_driver.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/fault_injection.hpp"
#include "base/shell_quote.hpp"
#include "formats/line_ends.hpp"

namespace windrow::sources {

namespace {

std::string line_end_name(storage::partition_id partition, storage::sequence at) {
  return "line end " + storage::hex_of(partition) + " " + std::to_string(at);
}

/// An identity that the folder has not seen: where the file begins as before, it is known by less
/// of its beginning.
result<sources::file_identity> new_identity(const std::string& path,
                                            const std::vector<sources::file_identity>& known) {
  std::size_t head_bytes = sources::head_bytes_max;
  while (head_bytes > 0) {
    const auto now = sources::identify(path, head_bytes);
    if (!now) return now.error();
    if (!*now) {
      return failure{errc::invalid, path +
                                        " is empty; an empty file cannot be told from another. "
                                        "Reset the source once it has lines"};
    }
    if (std::find(known.begin(), known.end(), **now) == known.end()) return **now;
    head_bytes = (*now)->head_size - 1;
  }
  return failure{errc::invalid, path + " has been reset too often; read it under another name"};
}

}  // namespace

// ---- arrivals ----------------------------------------------------------------------------------

result<sources::arrival_note> journal_arrivals::note(storage::partition_id partition,
                                                     storage::sequence from, storage::sequence to) {
  auto noted = note_once(partition, from, to);
  // Readers that were replaced may have been faster: then that is when they arrived.
  for (int again = 0; again < 8 && !noted && noted.error().code == errc::invalid; ++again)
    noted = note_once(partition, from, to);
  return noted;
}

result<sources::arrival_note> journal_arrivals::note_once(storage::partition_id partition,
                                                          storage::sequence from,
                                                          storage::sequence to) {
  storage::journal& journal = context_.journal;
  auto ranges = context_.heard(journal.arrivals().between(partition, from, to));
  if (!ranges) return ranges.error();
  if (fault_injected(failpoint::replay_by_the_clock) && !ranges->empty())
    return sources::arrival_note{{context_.clock()}, std::min(ranges->front().to, to), false};
  const bool covered = !ranges->empty() && ranges->front().from <= from;
  storage::arrival_range range{from, to, context_.clock()};
  if (covered) {
    range = ranges->front();
    range.to = std::min(range.to, to);
  } else {
    if (!ranges->empty()) range.to = ranges->front().from;
    auto noted = context_.heard(journal.arrivals().note(partition, range));
    if (!noted) return noted.error();
  }
  auto counters = context_.heard(journal.counters().all());
  if (!counters) return counters.error();
  return sources::arrival_note{
      {range.arrival}, range.to, counters->count(line_end_name(partition, range.to)) != 0};
}

result<void> journal_arrivals::end_line(storage::partition_id partition, storage::sequence at) {
  const std::pair<std::string, std::uint64_t> mark{line_end_name(partition, at), 1};
  return context_.heard(context_.journal.counters().set({&mark, 1}));
}

// ---- making ------------------------------------------------------------------------------------

result<std::unique_ptr<source_driver>> file_driver::make(const driver_request& request,
                                                         const driver_context& context) {
  const schema::source& declared = request.declared();
  return std::unique_ptr<source_driver>(std::make_unique<file_driver>(
      options{request.source, declared.name, request.path, request.path == declared.path},
      context));
}

std::optional<std::string> file_driver::path_of(std::string_view name) {
  auto identity = parse_file_partition_name(name);
  if (!identity) return std::nullopt;
  return std::move(identity->path);
}

// ---- partitions --------------------------------------------------------------------------------

std::optional<storage::partition> file_driver::newest_of(const std::string& path) const {
  std::optional<storage::partition> newest;
  for (storage::partition& p : context_.journal.partitions().all()) {
    if (p.kind != storage::partition_kind::file) continue;
    const auto known = sources::parse_file_partition_name(p.name);
    if (known && known->path == path) newest = std::move(p);
  }
  return newest;
}

result<sources::file_identity> file_driver::identity_of(storage::partition_id partition) const {
  for (const storage::partition& p : context_.journal.partitions().all()) {
    if (p.id == partition && p.kind == storage::partition_kind::file)
      return sources::parse_file_partition_name(p.name);
  }
  return failure{errc::not_found,
                 "There is no file with the id " + storage::hex_of(partition) + " in the folder."};
}

driver_partition file_driver::describe(const storage::partition& p) const {
  driver_partition out;
  out.id = p.id;
  if (const auto known = sources::parse_file_partition_name(p.name)) out.name = known->path;
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(out.name, unknown);
  if (!unknown) out.end = bytes;
  return out;
}

result<std::vector<driver_partition>> file_driver::discover() {
  std::vector<driver_partition> found;
  if (options_.path.empty() || complete()) return found;
  // A file read before is known by its path; whether it is still the same one, `open` checks.
  auto known = newest_of(options_.path);
  if (!known) {
    auto now = sources::identify(options_.path);
    if (!now) return now.error();
    looked_ = true;
    if (!*now) return found;
    auto registered = context_.heard(context_.journal.partitions().register_partition(
        storage::partition_kind::file, sources::partition_name(**now), options_.name));
    if (!registered) return registered.error();
    known = *registered;
  }
  looked_ = true;
  if (given_.count(known->id)) return found;
  if (!known->state.empty() && known->state != options_.name) {
    return failure{errc::invalid,
                   "the file " + options_.path + " has been read for the source `" + known->state +
                       "`, and a folder keeps one position in a file; let the streams of `" +
                       options_.name + "` read `" + known->state + "`, or give `" + options_.name +
                       "` a copy of the file"};
  }
  const auto kept =
      context_.heard(context_.journal.partitions().set_state(known->id, options_.name));
  if (!kept) return kept.error();
  given_.insert(known->id);
  found.push_back(describe(*known));
  return found;
}

std::vector<driver_partition> file_driver::partitions() const {
  std::map<std::string, driver_partition> by_path;
  for (const storage::partition& p : context_.journal.partitions().all()) {
    if (p.kind != storage::partition_kind::file || p.state != options_.name) continue;
    driver_partition one = describe(p);
    by_path[one.name] = std::move(one);
  }
  std::vector<driver_partition> all;
  for (auto& [path, one] : by_path) all.push_back(std::move(one));
  return all;
}

// ---- reading -----------------------------------------------------------------------------------

result<std::shared_ptr<sources::input>> file_driver::open(storage::partition_id partition,
                                                          storage::sequence from) {
  auto identity = identity_of(partition);
  if (!identity) return identity.error();
  sources::file_source_options options;
  options.identity = *identity;
  options.source = options_.source;
  options.partition = partition;
  options.position = from;
  options.once = context_.once;
  options.notes = &notes_;
  options.reset_command =
      "windrow source reset " + options_.name + " --data " + shell_quote(context_.data);
  if (!options_.declared) options.reset_command += " --input " + shell_quote(identity->path);
  auto file = sources::file_source::open(std::move(options));
  if (!file) return file.error();
  return std::shared_ptr<sources::input>(std::move(*file));
}

result<void> file_driver::committed(const storage::positions& on_disk) {
  for (const storage::partition_id id : given_) {
    const auto at = on_disk.find(id);
    if (at == on_disk.end()) continue;
    auto trimmed = context_.heard(context_.journal.arrivals().trim(id, at->second));
    if (!trimmed) return trimmed;
  }
  return {};
}

// ---- seek and reset ----------------------------------------------------------------------------

result<seek_place> file_driver::locate(storage::partition_id partition, const seek_target& target) {
  auto identity = identity_of(partition);
  if (!identity) return identity.error();
  using kind = seek_target::kind;
  if (target.what == kind::earliest) return seek_place{};
  if (target.what == kind::time) {
    return failure{errc::invalid,
                   "lines of a file have no time of their own to seek by; give a "
                   "byte, `earliest` or `latest`"};
  }
  const auto at = target.what == kind::latest
                      ? formats::line_end_before(identity->path)
                      : formats::line_end_after(identity->path, target.position);
  if (!at) return at.error();
  return seek_place{*at};
}

result<driver_partition> file_driver::reset(storage::partition_id partition) {
  auto identity = identity_of(partition);
  if (!identity) return identity.error();
  std::vector<sources::file_identity> known;
  for (const storage::partition& p : context_.journal.partitions().all()) {
    if (p.kind != storage::partition_kind::file) continue;
    auto one = sources::parse_file_partition_name(p.name);
    if (one && one->path == identity->path) known.push_back(std::move(*one));
  }
  const auto next = new_identity(identity->path, known);
  if (!next) return next.error();
  auto made = context_.heard(context_.journal.partitions().register_partition(
      storage::partition_kind::file, sources::partition_name(*next), options_.name));
  if (!made) return made.error();
  given_.insert(made->id);
  return describe(*made);
}

}  // namespace windrow::sources
