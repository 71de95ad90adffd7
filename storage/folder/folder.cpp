#include "storage/folder/folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/checksum.hpp"
#include "storage/folder/rollback_guard.hpp"
#include "storage/journal/journal.hpp"

namespace windrow::storage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view meta_magic = "wndrmeta";
constexpr std::string_view catalog_magic = "wndrcatl";
constexpr std::size_t meta_bytes_max = 64 << 10;
constexpr std::size_t catalog_bytes_max = 256 << 20;
/// Address space for all maps together: a quarter of what a 64-bit process has.
constexpr std::uint64_t address_space = std::uint64_t{1} << 45;

std::uint64_t choose_map_bytes(std::uint64_t asked, std::uint32_t shards) noexcept {
  if (asked != 0) return asked;
  const std::uint64_t share = address_space / (shards + std::uint64_t{1});
  return std::min(lmdb::default_map_bytes, share & ~std::uint64_t{0xFFFFF});
}

/// Without `.`, `//` and a slash at the end.
std::string normal(const std::string& path) {
  std::string text = fs::path(path).lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

enum class standing { missing, empty, unfinished, complete, foreign };

/// What stands at `path`, by its names alone.
result<standing> look_at(const std::string& path) {
  if (path.empty())
    return failure{errc::invalid, "The path of the data folder is empty. Give it with --data."};
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return standing::missing;
  if (error) return system_failure(path, "stat", error.value());
  if (status.type() != fs::file_type::directory)
    return failure{errc::invalid, path + " is a file, not a folder. Give the folder with --data."};
  bool empty = true, meta = false, creating = false;
  fs::directory_iterator names(path, error);
  for (; !error && names != fs::directory_iterator(); names.increment(error)) {
    const std::string name = names->path().filename().string();
    meta |= name == "node.meta";
    creating |= name == "CREATING";
    // LOCK alone is what a process killed between its first two steps leaves.
    empty &= name == "LOCK" || name == "lost+found" || name == "CREATING.tmp";
  }
  if (error) return system_failure(path, "list", error.value());
  if (meta) return standing::complete;
  if (creating) return standing::unfinished;
  return empty ? standing::empty : standing::foreign;
}

failure not_ours(const std::string& path) {
  return {errc::corrupt,
          path +
              " is not a windrow data folder, or its node.meta is lost: it holds other files "
              "but no node.meta. Choose another --data folder or put node.meta back."};
}

result<void> check_file_system(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return system_failure(path, "statfs", errno);
  const auto kind = unsupported_file_system(static_cast<std::uint32_t>(info.f_type));
  if (!kind) return {};
  return failure{errc::io,
                 path + " is on a network or user-space file system (" + std::string(*kind) +
                     "), where stored data is not safe. Choose a folder on a local disk."};
}

result<file_handle> lock_folder(const std::string& path) {
  const std::string name = path + "/LOCK";
  file_handle file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return system_failure(name, "open", errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure(name, "lock", errno);
    char text[32] = {};
    const ssize_t got = ::pread(file.get(), text, sizeof text - 1, 0);
    std::string pid(text, got > 0 ? static_cast<std::size_t>(got) : 0);
    pid.erase(pid.find_last_not_of(" \n") + 1);
    return failure{errc::busy, "The data folder " + path + " is in use by process " +
                                   (pid.empty() ? "(unknown)" : pid) +
                                   ": a running windrow node has it. Ask that node, or stop it "
                                   "and try again."};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return system_failure(name, "write", errno);
  return file;
}

result<void> fill_randomly(void* to, std::size_t count) {
  if (::getrandom(to, count, 0) == static_cast<ssize_t>(count)) return {};
  return failure{errc::io, "The system gave no random numbers (getrandom)."};
}

/// Makes the missing parents too; only the last is ours to restrict.
result<void> make_data_directory(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  std::error_code error;
  if (!parent.empty()) fs::create_directories(parent, error);
  if (error) return system_failure(parent, "make directory", error.value());
  if (auto made = make_directory(path); !made) return made;
  return sync_directory(parent);
}

}  // namespace

std::optional<std::string_view> unsupported_file_system(std::uint64_t statfs_type) noexcept {
  switch (statfs_type) {
    case 0x6969:
      return "NFS";
    case 0x65735546:
      return "FUSE";
    case 0x517B:
    case 0xFF534D42:
    case 0xFE534D42:
      return "SMB";
    case 0x01021997:
      return "9P";
    case 0x00C36400:
      return "Ceph";
    case 0x5346414F:
    case 0x6B414653:
      return "AFS";
    case 0x0BD00BD0:
      return "Lustre";
    default:
      return std::nullopt;
  }
}

std::string folder::shard_directory(std::uint32_t shard) const {
  return fmt::format("{}/shards/{:03}", path_, shard);
}

store_identity folder::journal_identity() const noexcept {
  return {meta_.id, store_kind::journal, 0, meta_.shard_count};
}

store_identity folder::shard_identity(std::uint32_t shard) const noexcept {
  return {meta_.id, store_kind::shard, shard, meta_.shard_count};
}

dedup_index::options folder::dedup_options() const {
  dedup_index::options o;
  o.directory = path_ + "/dedup";
  o.identity = {meta_.id, store_kind::dedup_index, 0, meta_.shard_count};
  o.map_bytes = map_bytes_;
  return o;
}

shard_store::options folder::shard_options(std::uint32_t shard) const {
  return {shard_directory(shard), shard_identity(shard), map_bytes_};
}

result<folder> folder::open(const std::string& path, const expectation& expected) {
  const std::string where = normal(path);
  auto there = look_at(where);
  if (!there) return there.error();
  if (*there == standing::foreign) return not_ours(where);
  if (*there == standing::missing || *there == standing::empty)
    return failure{errc::not_found, "There is no data folder at " + where + " yet."};
  auto lock = lock_folder(where);
  if (!lock) return lock.error();
  folder opened(where, std::move(*lock));
  // Only now, under the lock, is an unfinished folder known to have nobody finishing it.
  if (there = look_at(where); !there) return there.error();
  if (*there != standing::complete)
    return failure{errc::not_found,
                   "There is no data folder at " + where + " yet: making it was cut short."};
  if (auto safe = check_file_system(where); !safe) return safe.error();
  if (auto loaded = opened.load(expected); !loaded) return loaded.error();
  return opened;
}

result<void> folder::load(const expectation& expected) {
  const std::string name = path_ + "/node.meta";
  auto stored = read_file(name, meta_bytes_max);
  if (!stored) return stored.error();
  auto file = unseal_file(meta_magic, *stored, name);
  if (!file) return file.error();
  if (file->format != format_version) return other_format(path_, file->format);
  auto meta = decode_meta(file->payload);
  if (!meta) return failure{errc::corrupt, name + " is damaged: " + meta.error().message + "."};
  meta_ = *meta;
  map_bytes_ = choose_map_bytes(expected.map_bytes, meta_.shard_count);
  if (expected.shard_count && *expected.shard_count != meta_.shard_count)
    return failure{errc::mismatch,
                   fmt::format("{} was made with {} shards, not {}. Run with --shards {}, or give "
                               "another --data folder.",
                               path_, meta_.shard_count, *expected.shard_count, meta_.shard_count)};
  if (expected.plan_digest && *expected.plan_digest != meta_.plan_digest)
    return failure{errc::mismatch,
                   fmt::format("{} holds the state of other declarations (digest {:016x}) than "
                               "those given (digest {:016x}). Run with the declarations it was "
                               "made for, or give another --data folder.",
                               path_, meta_.plan_digest, *expected.plan_digest)};
  const std::string catalog = path_ + "/catalog-1.bin";
  auto sealed = read_file(catalog, catalog_bytes_max);
  if (!sealed) return failure{errc::corrupt, sealed.error().message};
  auto content = unseal_file(catalog_magic, *sealed, catalog);
  if (!content) return content.error();
  if (checksum(content->payload) != meta_.catalog_checksum)
    return failure{errc::corrupt, catalog + " belongs to another folder."};
  catalog_ = std::move(content->payload);
  ::unlink((path_ + "/CREATING").c_str());
  return check_versions(path_);
}

result<folder> folder::create(const create_options& o) {
  const std::string where = normal(o.path);
  if (o.shard_count == 0 || o.shard_count > shard_count_max)
    return failure{errc::invalid, fmt::format("A folder has 1 to {} shards, not {}.",
                                              shard_count_max, o.shard_count)};
  auto there = look_at(where);
  if (!there) return there.error();
  if (*there == standing::foreign) return not_ours(where);
  if (*there == standing::missing)
    if (auto made = make_data_directory(where); !made) return made.error();
  if (auto safe = check_file_system(where); !safe) return safe.error();
  auto lock = lock_folder(where);
  if (!lock) return lock.error();
  folder made(where, std::move(*lock));
  if (there = look_at(where); !there) return there.error();
  if (*there == standing::foreign) return not_ours(where);
  if (*there == standing::complete)
    return failure{errc::mismatch, where + " is a data folder already."};
  if (auto cleared = made.clear_unfinished(); !cleared) return cleared.error();
  if (auto built = made.build(o); !built) return built.error();
  made.created_ = true;
  return made;
}

/// Removes our own names only.
result<void> folder::clear_unfinished() {
  if (auto marked = replace_file(path_ + "/CREATING", as_bytes("")); !marked) return marked;
  for (const char* name :
       {"journal", "dedup", "shards", "catalog-1.bin", "catalog-1.bin.tmp", "node.meta.tmp"}) {
    std::error_code error;
    fs::remove_all(path_ + "/" + name, error);
    if (error) return system_failure(path_ + "/" + name, "remove", error.value());
  }
  return {};
}

result<void> folder::build(const create_options& o) {
  if (::chmod(path_.c_str(), 0700) != 0) return system_failure(path_, "chmod", errno);
  if (auto filled = fill_randomly(meta_.id.data(), meta_.id.size()); !filled) return filled;
  if (auto filled = fill_randomly(&meta_.hash_seed, sizeof meta_.hash_seed); !filled) return filled;
  meta_.shard_count = o.shard_count;
  meta_.plan_digest = o.plan_digest;
  meta_.created = o.created;
  meta_.catalog_checksum = checksum(o.catalog);
  map_bytes_ = choose_map_bytes(o.map_bytes, o.shard_count);
  catalog_ = o.catalog;

  if (auto made = make_directory(journal_directory()); !made) return made;
  journal::options log{journal_directory(), journal_identity(), map_bytes_};
  if (auto made = journal::create(log); !made) return made;
  if (o.dedup_index) {
    if (auto made = make_directory(dedup_options().directory); !made) return made;
    if (auto made = dedup_index::create(dedup_options()); !made) return made;
  }
  if (auto made = make_directory(path_ + "/shards"); !made) return made;
  for (std::uint32_t shard = 0; shard < o.shard_count; ++shard) {
    if (auto made = make_directory(shard_directory(shard)); !made) return made;
    if (auto made = shard_store::create(shard_options(shard)); !made) return made;
  }
  if (auto synced = sync_directory(path_ + "/shards"); !synced) return synced;
  const byte_buffer catalog = seal_file(catalog_magic, format_version, catalog_);
  if (auto put = replace_file(path_ + "/catalog-1.bin", catalog); !put) return put;
  // From here on the folder is complete.
  const byte_buffer meta = seal_file(meta_magic, format_version, encode_meta(meta_));
  if (auto put = replace_file(path_ + "/node.meta", meta); !put) return put;
  ::unlink((path_ + "/CREATING").c_str());
  return sync_directory(path_);
}

result<folder> folder::open_or_create(const create_options& o) {
  auto opened = open(o.path, {o.shard_count, o.plan_digest, o.map_bytes});
  if (opened || opened.error().code != errc::not_found) return opened;
  auto made = create(o);
  // Another process was faster: then it has the lock, or has made it and gone.
  if (!made && made.error().code == errc::mismatch)
    return open(o.path, {o.shard_count, o.plan_digest, o.map_bytes});
  return made;
}

}  // namespace windrow::storage
