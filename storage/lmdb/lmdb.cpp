#include "storage/lmdb/lmdb.hpp"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/fault_injection.hpp"
#include "base/files.hpp"
#include "storage/lmdb/pages.hpp"

namespace windrow::storage::lmdb {

namespace {

/// LMDB's assertions end in abort(). Leaving its frames by an exception instead (they have unwind
/// tables) turns a damaged page into an error value; the transaction is then given up.
struct assertion_failed {};

extern "C" void leave_assertion(MDB_env*, const char*) { throw assertion_failed{}; }

template <class Call>
int guarded(Call call) noexcept {
  try {
    return call();
  } catch (const assertion_failed&) {
    return MDB_CORRUPTED;
  }
}

MDB_val to_val(bytes data) noexcept {
  return {data.size(), const_cast<std::uint8_t*>(data.data())};
}
bytes from_val(const MDB_val& value) noexcept {
  return {static_cast<const std::uint8_t*>(value.mv_data), value.mv_size};
}
MDB_dbi dbi(table_id table) noexcept { return static_cast<MDB_dbi>(table); }

/// Damage, as opposed to a disk that refuses.
constexpr unsigned readers_max = 510;        // which make a lock file of
constexpr off_t lock_file_bytes = 32 << 10;  // so many bytes

/// LMDB makes its lock file longer without writing to it, and then writes through a mapping: where
/// the disk has no room, that ends the process by SIGBUS. So the room is taken before.
result<void> reserve_lock_file(const std::string& path) {
  const file_handle file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return system_failure(path, "open", errno);
  const int code = ::posix_fallocate(file.get(), 0, lock_file_bytes);
  if (code != 0) return system_failure(path, "reserve room for", code);
  return {};
}

bool is_damage(int code) noexcept {
  return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
         code == MDB_VERSION_MISMATCH || code == MDB_INCOMPATIBLE || code == MDB_NOTFOUND;
}

/// After these a write must not be tried again on this environment: a sync that failed may have
/// thrown the pages away, and a second one would report success.
bool ends_writing(int code) noexcept {
  return code == MDB_PANIC || code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == EIO ||
         code == ENOSPC || code == EFBIG || code == EDQUOT || code == EROFS;
}

class scoped_cursor {
public:
  explicit scoped_cursor(MDB_cursor* cursor) : cursor_(cursor) {}
  ~scoped_cursor() {
    guarded([&] { return mdb_cursor_close(cursor_), 0; });
  }
  scoped_cursor(const scoped_cursor&) = delete;
  scoped_cursor& operator=(const scoped_cursor&) = delete;

private:
  MDB_cursor* cursor_;
};

}  // namespace

/// Holds a directory's place in the process-wide registry of open environments: a second handle
/// on one file would break its locks without any error.
class environment::claim {
public:
  static result<std::unique_ptr<claim>> take(const std::string& directory) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0) {
      if (errno == ENOENT)
        return failure{errc::corrupt, directory + " is missing from the data folder."};
      return system_failure(directory, "stat", errno);
    }
    if (!S_ISDIR(info.st_mode)) return failure{errc::corrupt, directory + " is not a directory."};
    const identity key{info.st_dev, info.st_ino};
    const std::lock_guard lock(guard());
    if (!open_ones().insert(key).second)
      return failure{errc::busy, directory + " is already open in this process."};
    return std::unique_ptr<claim>(new claim(key));
  }
  ~claim() {
    const std::lock_guard lock(guard());
    open_ones().erase(key_);
  }

private:
  using identity = std::pair<dev_t, ino_t>;
  explicit claim(identity key) : key_(key) {}
  static std::mutex& guard() {
    static std::mutex mutex;
    return mutex;
  }
  static std::set<identity>& open_ones() {
    static std::set<identity> all;
    return all;
  }
  identity key_;
};

environment::environment(environment_options options, std::unique_ptr<claim> ours)
    : options_(std::move(options)),
      data_file_(options_.directory + "/data.mdb"),
      claim_(std::move(ours)) {}

environment::~environment() {
  if (env_ != nullptr) guarded([&] { return mdb_env_close(env_), 0; });
}

result<std::unique_ptr<environment>> environment::create(environment_options options,
                                                         const write_body& fill) {
  auto ours = claim::take(options.directory);
  if (!ours) return ours.error();
  std::unique_ptr<environment> made(new environment(std::move(options), std::move(*ours)));
  struct stat info {};
  if (::lstat(made->data_file_.c_str(), &info) == 0)
    return failure{errc::corrupt, made->data_file_ + " exists already."};
  if (auto started = made->start(true, &fill); !started) return started.error();
  if (auto synced = sync_directory(made->options_.directory); !synced) return synced.error();
  return made;
}

result<std::unique_ptr<environment>> environment::open(environment_options options) {
  auto ours = claim::take(options.directory);
  if (!ours) return ours.error();
  std::unique_ptr<environment> made(new environment(std::move(options), std::move(*ours)));
  auto sound = check_pages(made->data_file_);
  if (!sound) return sound.error();
  // Pages that were taken and given back at the end of the file are never written, so a short
  // file is damaged only if something that is in use lies beyond its end.
  if (sound->file_bytes < sound->needed_bytes &&
      ::truncate(made->data_file_.c_str(), static_cast<off_t>(sound->needed_bytes)) != 0)
    return system_failure(made->data_file_, "extend", errno);
  if (auto started = made->start(false, nullptr); !started) return started.error();
  return made;
}

result<void> environment::start(bool creating, const write_body* fill) {
  int code = mdb_env_create(&env_);
  if (code != 0) return describe(code, "start");
  mdb_env_set_assert(env_, leave_assertion);
  mdb_env_set_mapsize(env_, options_.map_bytes);
  mdb_env_set_maxdbs(env_, static_cast<MDB_dbi>(options_.tables.size()));
  mdb_env_set_maxreaders(env_, readers_max);
  if (auto reserved = reserve_lock_file(options_.directory + "/lock.mdb"); !reserved)
    return reserved;
  const unsigned flags = MDB_NOTLS | (fault_injected(failpoint::not_synced) ? MDB_NOSYNC : 0);
  code = guarded([&] { return mdb_env_open(env_, options_.directory.c_str(), flags, 0600); });
  if (code != 0) return describe(code, "open");
  mdb_env_get_fd(env_, &data_fd_);
  if (::fcntl(data_fd_, F_SETFD, FD_CLOEXEC) != 0)  // the one descriptor LMDB forgets
    return system_failure(data_file_, "set close-on-exec", errno);
  int dead = 0;
  mdb_reader_check(env_, &dead);

  MDB_txn* txn = nullptr;
  code = guarded([&] { return mdb_txn_begin(env_, nullptr, creating ? 0 : MDB_RDONLY, &txn); });
  if (code != 0) return describe(code, "begin");
  auto opened = open_tables(txn, creating);
  if (opened && creating && *fill) {
    write_transaction filling(*this, txn);
    opened = (*fill)(filling);
  }
  if (!opened) {
    guarded([&] { return mdb_txn_abort(txn), 0; });
    return opened;
  }
  code = guarded([&] { return mdb_txn_commit(txn); });
  if (code != 0) return describe(code, "commit");
  return {};
}

result<void> environment::open_tables(MDB_txn* txn, bool creating) {
  for (const std::string& name : options_.tables) {
    MDB_dbi handle = 0;
    unsigned flags = 0;
    int code = guarded(
        [&] { return mdb_dbi_open(txn, name.c_str(), creating ? MDB_CREATE : 0, &handle); });
    if (code == 0) code = guarded([&] { return mdb_dbi_flags(txn, handle, &flags); });
    if (code == MDB_NOTFOUND || (code == 0 && flags != 0))
      return failure{errc::corrupt, data_file_ + " has no table `" + name +
                                        "` as windrow makes it: it is foreign or damaged."};
    if (code != 0) return describe(code, "open a table of");
    tables_.push_back(table_id{handle});
  }
  return {};
}

failure environment::describe(int code, const char* doing) const {
  const std::string what =
      data_file_ + ": could not " + doing + " it (" + mdb_strerror(code) + "). ";
  if (code == MDB_MAP_FULL)
    return {errc::io, what + "Its map of " + std::to_string(options_.map_bytes) +
                          " bytes is full. Nothing of this change is stored and everything "
                          "before it is; open the folder with a larger map."};
  if (code == MDB_BAD_VALSIZE) return {errc::invalid, what + "A key or value has a wrong size."};
  if (is_damage(code))
    return {errc::corrupt, what +
                               "The file is damaged. Restore the data folder from a copy, or "
                               "start a new one from the sources."};
  if (code == EIO || code == ENOSPC || code == EDQUOT || code == EFBIG || code == MDB_PANIC)
    return {errc::io, what +
                          "The disk is full or failing. The last change is not stored, what "
                          "was committed before it is; free space or replace the disk, then "
                          "start again."};
  if (code == ENOMEM)
    return {errc::io, what + "There is not enough address space for a map of " +
                          std::to_string(options_.map_bytes) +
                          " bytes; raise `ulimit -v` or choose a smaller map."};
  if (code == MDB_READERS_FULL) return {errc::io, what + "Too many readers are open at once."};
  return {errc::io, what + "Check the file's permissions and its disk."};
}

failure environment::fail_writes(failure why) {
  const std::lock_guard lock(failure_mutex_);
  if (!writes_failed_) {
    first_failure_ = why;
    writes_failed_ = true;
  }
  return why;
}

result<void> environment::check_key(bytes key) const {
  if (!key.empty() && key.size() <= max_key_bytes) return {};
  return failure{errc::invalid, data_file_ + ": a key of " + std::to_string(key.size()) +
                                    " bytes; keys have 1 to 511."};
}

result<void> environment::write(const write_body& body) {
  const std::lock_guard one_writer(write_mutex_);
  if (writes_failed_) {
    const std::lock_guard lock(failure_mutex_);
    return failure{errc::io,
                   "Writing has stopped after an earlier failure: " + first_failure_.message};
  }
  MDB_txn* txn = nullptr;
  int code = guarded([&] { return mdb_txn_begin(env_, nullptr, 0, &txn); });
  if (code != 0) {
    failure why = describe(code, "write to");
    return ends_writing(code) ? fail_writes(std::move(why)) : why;
  }
  write_transaction writing(*this, txn);
  if (auto done = body(writing); !done) {
    guarded([&] { return mdb_txn_abort(txn), 0; });
    return done;
  }
  code = guarded([&] { return mdb_txn_commit(txn); });
  // Whatever a commit fails for except a full map, trying it again proves nothing.
  if (code == MDB_MAP_FULL) return describe(code, "commit to");
  if (code != 0) return fail_writes(describe(code, "commit to"));
  keep_file_whole();
  return {};
}

void environment::keep_file_whole() noexcept {
  MDB_envinfo info{};
  MDB_stat main{};
  struct stat file {};
  if (mdb_env_info(env_, &info) != 0 || mdb_env_stat(env_, &main) != 0) return;
  if (::fstat(data_fd_, &file) != 0) return;
  const auto needed = static_cast<off_t>((info.me_last_pgno + 1) * main.ms_psize);
  // Only grows it: writers take turns. If it fails, the next open finds out the long way.
  if (file.st_size < needed && ::ftruncate(data_fd_, needed) != 0) return;
}

result<void> environment::read(const std::function<result<void>(const read_transaction&)>& body) {
  read_transaction reading(*this);
  if (auto begun = reading.renew(); !begun) return begun;
  return body(reading);
}

result<statistics> environment::stats() {
  read_transaction reading(*this);
  if (auto begun = reading.renew(); !begun) return begun.error();
  MDB_envinfo info{};
  MDB_stat one{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &one);
  struct stat file {};
  if (::fstat(data_fd_, &file) != 0) return system_failure(data_file_, "stat", errno);
  statistics all;
  all.file_bytes = static_cast<std::uint64_t>(file.st_size);
  all.used_bytes = (info.me_last_pgno + 1) * one.ms_psize;
  all.map_bytes = info.me_mapsize;
  all.transaction = info.me_last_txnid;
  // Table 0 is LMDB's own list of free pages: a count, then page numbers.
  auto counted = reading.scan(table_id{0}, {}, {}, [&](const entry& list) -> result<bool> {
    std::uint64_t count = 0;
    if (list.value.size() >= sizeof count) std::memcpy(&count, list.value.data(), sizeof count);
    all.free_bytes += count * one.ms_psize;
    return true;
  });
  if (!counted) return counted.error();
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    const int code = reading.count(tables_[i], one);
    if (code != 0) return describe(code, "count");
    all.tables.push_back({options_.tables[i], one.ms_entries,
                          one.ms_branch_pages + one.ms_leaf_pages + one.ms_overflow_pages});
  }
  return all;
}

result<void> environment::check_structure() {
  // A commit between renewing and reading the meta pages is rare, two of them rarer.
  for (int attempt = 0;; ++attempt) {
    read_transaction held(*this);
    if (auto begun = held.renew(); !begun) return begun;
    auto report = check_pages(data_file_, held.number());
    if (report) return {};
    if (report.error().code != errc::busy || attempt == 20) return report.error();
  }
}

table_id transaction::table(std::size_t index) const noexcept { return owner_->table(index); }

result<std::optional<bytes>> transaction::get(table_id table, bytes key) const {
  if (auto fits = owner_->check_key(key); !fits) return fits.error();
  MDB_val name = to_val(key);
  MDB_val found{};
  const int code = guarded([&] { return mdb_get(txn_, dbi(table), &name, &found); });
  if (code == MDB_NOTFOUND) return std::optional<bytes>{};
  if (code != 0) return owner_->describe(code, "read");
  return std::optional<bytes>{from_val(found)};
}

namespace {

/// Opens a cursor for one step. `step` gets the cursor and gives LMDB's code.
template <class Step>
int with_cursor(MDB_txn* txn, table_id table, Step step) {
  MDB_cursor* cursor = nullptr;
  const int code = guarded([&] { return mdb_cursor_open(txn, dbi(table), &cursor); });
  if (code != 0) return code;
  const scoped_cursor closing(cursor);
  return step(cursor);
}

}  // namespace

result<std::optional<entry>> transaction::seek(table_id table, bytes key) const {
  if (auto fits = owner_->check_key(key); !fits) return fits.error();
  MDB_val name = to_val(key);
  MDB_val found{};
  const int code = with_cursor(txn_, table, [&](MDB_cursor* cursor) {
    return guarded([&] { return mdb_cursor_get(cursor, &name, &found, MDB_SET_RANGE); });
  });
  if (code == MDB_NOTFOUND) return std::optional<entry>{};
  if (code != 0) return owner_->describe(code, "read");
  return std::optional<entry>{entry{from_val(name), from_val(found)}};
}

result<std::optional<entry>> transaction::last(table_id table) const {
  MDB_val name{};
  MDB_val found{};
  const int code = with_cursor(txn_, table, [&](MDB_cursor* cursor) {
    return guarded([&] { return mdb_cursor_get(cursor, &name, &found, MDB_LAST); });
  });
  if (code == MDB_NOTFOUND) return std::optional<entry>{};
  if (code != 0) return owner_->describe(code, "read");
  return std::optional<entry>{entry{from_val(name), from_val(found)}};
}

result<void> transaction::scan(table_id table, bytes from, bytes to, const visitor& visit) const {
  if (from.size() > max_key_bytes) return owner_->check_key(from);
  result<void> outcome;
  const int code = with_cursor(txn_, table, [&](MDB_cursor* cursor) {
    MDB_val name = to_val(from);
    MDB_val found{};
    MDB_cursor_op move = from.empty() ? MDB_FIRST : MDB_SET_RANGE;
    for (;; move = MDB_NEXT) {
      const int step = guarded([&] { return mdb_cursor_get(cursor, &name, &found, move); });
      if (step != 0) return step;
      const entry here{from_val(name), from_val(found)};
      if (!to.empty() &&
          !std::lexicographical_compare(here.key.begin(), here.key.end(), to.begin(), to.end()))
        return 0;
      auto more = visit(here);
      if (!more) outcome = more.error();
      if (!more || !*more) return 0;
    }
  });
  if (code != 0 && code != MDB_NOTFOUND) return owner_->describe(code, "read");
  return outcome;
}

read_transaction::~read_transaction() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

result<void> read_transaction::renew() {
  release();
  const int code = txn_ != nullptr ? mdb_txn_renew(txn_)
                                   : mdb_txn_begin(owner_->env_, nullptr, MDB_RDONLY, &txn_);
  if (code != 0) return owner_->describe(code, "read");
  active_ = true;
  return {};
}

void read_transaction::release() noexcept {
  if (active_) mdb_txn_reset(txn_);
  active_ = false;
}

std::uint64_t read_transaction::number() const noexcept { return mdb_txn_id(txn_); }

int read_transaction::count(table_id table, MDB_stat& into) const noexcept {
  return guarded([&] { return mdb_stat(txn_, dbi(table), &into); });
}

result<MDB_cursor*> write_transaction::cursor(table_id table) {
  for (const auto& [id, open] : cursors_)
    if (id == table) return open;
  MDB_cursor* made = nullptr;  // LMDB frees it with the transaction
  const int code = guarded([&] { return mdb_cursor_open(txn_, dbi(table), &made); });
  if (code != 0) return fail(code);
  cursors_.emplace_back(table, made);
  return made;
}

failure write_transaction::fail(int code) {
  failure why = owner_->describe(code, "write to");
  return ends_writing(code) ? owner_->fail_writes(std::move(why)) : why;
}

result<bool> write_transaction::put(table_id table, bytes key, bytes value, unsigned flags) {
  if (auto fits = owner_->check_key(key); !fits) return fits.error();
  auto at = cursor(table);
  if (!at) return at.error();
  MDB_val name = to_val(key);
  MDB_val content = to_val(value);
  const int code = guarded([&] { return mdb_cursor_put(*at, &name, &content, flags); });
  if (code == MDB_KEYEXIST) return false;
  if (code != 0) return fail(code);
  return true;
}

result<void> write_transaction::put(table_id table, bytes key, bytes value) {
  auto done = put(table, key, value, 0);
  if (!done) return done.error();
  return {};
}

result<bool> write_transaction::insert(table_id table, bytes key, bytes value) {
  return put(table, key, value, MDB_NOOVERWRITE);
}

result<void> write_transaction::append(table_id table, bytes key, bytes value) {
  auto done = put(table, key, value, MDB_APPEND);
  if (!done) return done.error();
  if (!*done)
    return failure{errc::corrupt,
                   owner_->data_file_ + ": an entry was appended that is not above the last one."};
  return {};
}

result<bool> write_transaction::erase(table_id table, bytes key) {
  auto found = find(table, key);
  if (!found) return found.error();
  if (!*found) return false;
  auto at = cursor(table);
  const int code = guarded([&] { return mdb_cursor_del(*at, 0); });
  if (code != 0) return fail(code);
  return true;
}

result<std::optional<bytes>> write_transaction::find(table_id table, bytes key) {
  if (auto fits = owner_->check_key(key); !fits) return fits.error();
  auto at = cursor(table);
  if (!at) return at.error();
  MDB_val name = to_val(key);
  MDB_val content{};
  const int code = guarded([&] { return mdb_cursor_get(*at, &name, &content, MDB_SET); });
  if (code == MDB_NOTFOUND) return std::optional<bytes>{};
  if (code != 0) return fail(code);
  return std::optional<bytes>{from_val(content)};
}

}  // namespace windrow::storage::lmdb
