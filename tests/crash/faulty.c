/* A disk that misbehaves, for one program: preloaded (LD_PRELOAD), it counts, records, fails or
 * ends the program at its calls that change files below one folder. What each variable does:
 *
 *   FAULTY_UNDER=DIR       the folder (absolute); nothing outside is touched or counted
 *   FAULTY_LOG=FILE        record every change, sync and acknowledgement (powercut.py reads it)
 *   FAULTY_CALLS=wstonud   which calls count: writes, syncs, truncates, opens that may change
 *                          something, renames, unlinks, mkdirs
 *   FAULTY_WHEN=N          the first call, of those that count, to do something to (from 1)
 *   FAULTY_UNTIL=N         the last one (default: FAULTY_WHEN)
 *   FAULTY_DO=WHAT         kill: SIGKILL before it; killed: after it; torn: after half of a write;
 *                          a number: fail with that errno; short: write half and say so
 *   FAULTY_FIRED=FILE      made when something was done
 *   FAULTY_COUNT=FILE      gets the number of calls that counted, if any, when the program ends by itself
 *   FAULTY_CLOCK=SECONDS   added to the wall clock
 *   FAULTY_MAP=BYTES       LMDB's maps are at most so large
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { fd_max = 4096, path_max = 4096 };
enum kind { name = 1, create, write_begin, write_end, truncated, sync_begin, sync_end,
            renamed, unlinked, made_directory, mark };
enum { durable = 1 };

struct header {
  uint32_t kind, file;
  uint64_t offset, length, flags;
};
struct open_file {
  uint32_t file; /* 0: not ours */
  int dsync;
};

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct open_file open_files[fd_max];
static char* names[fd_max];
static uint32_t name_count;
static uint64_t syncs;
static int log_fd = -1;
static char under[path_max];
static size_t under_size;
static const char* counted_calls = "";
static long first_call = -1, last_call = -1, calls;
static const char* action = "";
static time_t clock_offset;

__attribute__((constructor)) static void start(void) {
  const char* text = getenv("FAULTY_UNDER");
  if (text) under_size = (size_t)snprintf(under, sizeof under, "%s", text);
  if ((text = getenv("FAULTY_LOG")))
    log_fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if ((text = getenv("FAULTY_CALLS"))) counted_calls = text;
  if ((text = getenv("FAULTY_WHEN"))) first_call = last_call = atol(text);
  if ((text = getenv("FAULTY_UNTIL"))) last_call = atol(text);
  if ((text = getenv("FAULTY_DO"))) action = text;
  if ((text = getenv("FAULTY_CLOCK"))) clock_offset = atol(text);
}

__attribute__((destructor)) static void end(void) {
  const char* path = getenv("FAULTY_COUNT");
  if (!path || calls == 0) return; /* `timeout` is preloaded as well, and ends last */
  char text[32];
  const int size = snprintf(text, sizeof text, "%ld", calls);
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd >= 0 && syscall(SYS_write, fd, text, (size_t)size) == size) syscall(SYS_close, fd);
}

static void record(enum kind what, uint32_t file, uint64_t offset, const void* data, size_t size,
                   uint64_t flags) {
  if (log_fd < 0) return;
  struct header head = {what, file, offset, size, flags};
  struct iovec parts[2] = {{&head, sizeof head}, {(void*)data, size}};
  if (syscall(SYS_writev, log_fd, parts, 2) != (long)(sizeof head + size)) _exit(99);
}

/* The path below the folder, or NULL. */
static const char* ours(const char* path, char* whole) {
  if (under_size == 0 || !path) return NULL;
  if (path[0] != '/') {
    char here[path_max];
    if (!getcwd(here, sizeof here)) return NULL;
    snprintf(whole, path_max, "%.2000s/%.2000s", here, path);
    path = whole;
  }
  if (strncmp(path, under, under_size) != 0) return NULL;
  if (path[under_size] == 0) return ".";
  return path[under_size] == '/' ? path + under_size + 1 : NULL;
}

/* With the guard held. */
static uint32_t file_number(const char* path) {
  for (uint32_t i = 0; i < name_count; ++i)
    if (strcmp(names[i], path) == 0) return i + 1;
  if (name_count == fd_max) _exit(98);
  names[name_count] = strdup(path);
  record(name, ++name_count, 0, path, strlen(path), 0);
  return name_count;
}

static void fired(void) {
  const char* path = getenv("FAULTY_FIRED");
  if (!path) return;
  const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
  if (fd >= 0) syscall(SYS_close, fd);
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

enum verdict { go_on, fail, halve, die_after, die_halfway };

/* Counts a call and says what becomes of it. */
static enum verdict judge(char call) {
  if (!strchr(counted_calls, call)) return go_on;
  const long number = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  if (first_call < 0 || number < first_call || number > last_call) return go_on;
  fired();
  if (strcmp(action, "kill") == 0) die();
  if (strcmp(action, "killed") == 0) return die_after;
  if (strcmp(action, "torn") == 0) return call == 'w' ? die_halfway : die_after;
  if (strcmp(action, "short") == 0) {
    if (call == 'w') return halve;
    errno = EIO;
    return fail;
  }
  errno = atoi(action);
  return fail;
}

/* ---- files that come and go ---- */

static void note_open(int fd, const char* path, int flags, int existed) {
  if (fd < 0 || fd >= fd_max) return;
  char whole[path_max];
  const char* mine = ours(path, whole);
  pthread_mutex_lock(&guard);
  open_files[fd].file = mine ? file_number(mine) : 0;
  open_files[fd].dsync = (flags & O_DSYNC) != 0;
  if (mine && !existed) record(create, open_files[fd].file, 0, NULL, 0, 0);
  if (mine && existed && (flags & O_TRUNC)) record(truncated, open_files[fd].file, 0, NULL, 0, 0);
  pthread_mutex_unlock(&guard);
}

static int open_it(int directory, const char* path, int flags, mode_t mode) {
  char whole[path_max];
  const char* mine = directory == AT_FDCWD || path[0] == '/' ? ours(path, whole) : NULL;
  const int changes = mine && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT));
  enum verdict now = changes ? judge('o') : go_on;
  if (now == fail) return -1;
  struct stat info;
  const int existed = mine ? stat(path, &info) == 0 : 1;
  const int fd = (int)syscall(SYS_openat, directory, path, flags, mode);
  if (mine) note_open(fd, path, flags, existed);
  if (now == die_after) die();
  return fd;
}

#define MODE_ARGUMENT \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { \
    va_list more; \
    va_start(more, flags); \
    mode = va_arg(more, mode_t); \
    va_end(more); \
  }

int open(const char* path, int flags, ...) { MODE_ARGUMENT return open_it(AT_FDCWD, path, flags, mode); }
int open64(const char* path, int flags, ...) { MODE_ARGUMENT return open_it(AT_FDCWD, path, flags, mode); }
int openat(int at, const char* path, int flags, ...) { MODE_ARGUMENT return open_it(at, path, flags, mode); }
int openat64(int at, const char* path, int flags, ...) { MODE_ARGUMENT return open_it(at, path, flags, mode); }

int close(int fd) {
  if (fd >= 0 && fd < fd_max) open_files[fd].file = 0;
  return (int)syscall(SYS_close, fd);
}

static int change_name(char call, enum kind what, const char* from, const char* to,
                       int (*change)(const char*, const char*)) {
  char whole[path_max], whole_too[path_max];
  const char* mine = ours(from, whole);
  const enum verdict now = mine ? judge(call) : go_on;
  if (now == fail) return -1;
  pthread_mutex_lock(&guard);
  const int code = change(from, to);
  const int error = errno;
  if (mine && code == 0) {
    char both[2 * path_max];
    const char* target = to ? ours(to, whole_too) : NULL;
    const int size = snprintf(both, sizeof both, "%s%c%s", mine, 0, target ? target : "");
    record(what, 0, 0, both, (size_t)size, 0);
  }
  pthread_mutex_unlock(&guard);
  if (now == die_after) die();
  errno = error;
  return code;
}

static int do_rename(const char* from, const char* to) { return (int)syscall(SYS_rename, from, to); }
static int do_unlink(const char* path, const char* to) { (void)to; return (int)syscall(SYS_unlink, path); }
static int do_mkdir(const char* path, const char* to) { (void)to; return (int)syscall(SYS_mkdir, path, 0700); }

int rename(const char* from, const char* to) { return change_name('n', renamed, from, to, do_rename); }
int unlink(const char* path) { return change_name('u', unlinked, path, NULL, do_unlink); }
int mkdir(const char* path, mode_t mode) {
  char whole[path_max];
  if (!ours(path, whole)) return (int)syscall(SYS_mkdir, path, mode);
  return change_name('d', made_directory, path, NULL, do_mkdir);
}

/* ---- what files hold ---- */

static struct open_file* file_of(int fd) {
  return fd >= 0 && fd < fd_max && open_files[fd].file != 0 ? &open_files[fd] : NULL;
}

typedef ssize_t write_call(int fd, const struct iovec* parts, int count, off_t at);

static ssize_t do_pwritev(int fd, const struct iovec* parts, int count, off_t at) {
  return syscall(SYS_pwritev, fd, parts, count, (long)at, 0L);
}
static ssize_t do_writev(int fd, const struct iovec* parts, int count, off_t at) {
  (void)at;
  return syscall(SYS_writev, fd, parts, count);
}

static ssize_t write_it(int fd, const struct iovec* parts, int count, off_t at, write_call* put) {
  struct open_file* file = file_of(fd);
  if (!file) {
    if (fd == 1 && log_fd >= 0) {
      pthread_mutex_lock(&guard);
      for (int i = 0; i < count; ++i) record(mark, 0, 0, parts[i].iov_base, parts[i].iov_len, 0);
      pthread_mutex_unlock(&guard);
    }
    return put(fd, parts, count, at);
  }
  const enum verdict now = judge('w');
  if (now == fail) return -1;
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  char* all = malloc(size + 1);
  size_t filled = 0;
  for (int i = 0; i < count; ++i) {
    memcpy(all + filled, parts[i].iov_base, parts[i].iov_len);
    filled += parts[i].iov_len;
  }
  if (now == halve || now == die_halfway) size = size / 2 & ~(size_t)511;
  const struct iovec whole = {all, size};
  pthread_mutex_lock(&guard);
  const uint32_t number = file->file;
  const int dsync = file->dsync;
  if (put == do_writev) at = (off_t)syscall(SYS_lseek, fd, 0L, SEEK_CUR);
  record(write_begin, number, (uint64_t)at, all, size, dsync ? durable : 0);
  ssize_t done;
  if (dsync) {
    pthread_mutex_unlock(&guard); /* it waits for the disk */
    done = put(fd, &whole, 1, at);
    pthread_mutex_lock(&guard);
    if (done == (ssize_t)size) record(write_end, number, (uint64_t)at, NULL, 0, size);
  } else {
    done = put(fd, &whole, 1, at);
  }
  const int error = errno;
  pthread_mutex_unlock(&guard);
  free(all);
  if (now == die_after || now == die_halfway) die();
  errno = error;
  return done;
}

static struct iovec one(const void* data, size_t size) {
  struct iovec part = {(void*)data, size};
  return part;
}
ssize_t write(int fd, const void* data, size_t size) {
  const struct iovec part = one(data, size);
  return write_it(fd, &part, 1, 0, do_writev);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  const struct iovec part = one(data, size);
  return write_it(fd, &part, 1, at, do_pwritev);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  const struct iovec part = one(data, size);
  return write_it(fd, &part, 1, at, do_pwritev);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  return write_it(fd, parts, count, 0, do_writev);
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
  return write_it(fd, parts, count, at, do_pwritev);
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t at) {
  return write_it(fd, parts, count, at, do_pwritev);
}

static int sync_it(int fd, long call) {
  struct open_file* file = file_of(fd);
  if (!file) return (int)syscall(call, fd);
  const enum verdict now = judge('s');
  if (now == fail) return -1;
  pthread_mutex_lock(&guard);
  const uint32_t number = file->file;
  const uint64_t id = ++syncs;
  record(sync_begin, number, id, NULL, 0, 0);
  pthread_mutex_unlock(&guard);
  const int code = (int)syscall(call, fd);
  const int error = errno;
  pthread_mutex_lock(&guard);
  if (code == 0) record(sync_end, number, id, NULL, 0, 0);
  pthread_mutex_unlock(&guard);
  if (now == die_after) die();
  errno = error;
  return code;
}
int fsync(int fd) { return sync_it(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_it(fd, SYS_fdatasync); }

static int cut_it(int fd, off_t size) {
  struct open_file* file = file_of(fd);
  if (!file) return (int)syscall(SYS_ftruncate, fd, size);
  const enum verdict now = judge('t');
  if (now == fail) return -1;
  pthread_mutex_lock(&guard);
  record(truncated, file->file, (uint64_t)size, NULL, 0, 0);
  const int code = (int)syscall(SYS_ftruncate, fd, size);
  const int error = errno;
  pthread_mutex_unlock(&guard);
  if (now == die_after) die();
  errno = error;
  return code;
}
int ftruncate(int fd, off_t size) { return cut_it(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut_it(fd, size); }

static int cut_path(const char* path, off_t size) {
  char whole[path_max];
  const char* mine = ours(path, whole);
  if (!mine) return (int)syscall(SYS_truncate, path, size);
  const enum verdict now = judge('t');
  if (now == fail) return -1;
  pthread_mutex_lock(&guard);
  record(truncated, file_number(mine), (uint64_t)size, NULL, 0, 0);
  const int code = (int)syscall(SYS_truncate, path, size);
  const int error = errno;
  pthread_mutex_unlock(&guard);
  if (now == die_after) die();
  errno = error;
  return code;
}
int truncate(const char* path, off_t size) { return cut_path(path, size); }
int truncate64(const char* path, off64_t size) { return cut_path(path, size); }

/* ---- time ---- */

int clock_gettime(clockid_t which, struct timespec* into) {
  const int code = (int)syscall(SYS_clock_gettime, which, into);
  if (code == 0 && which == CLOCK_REALTIME) into->tv_sec += clock_offset;
  return code;
}

/* ---- maps ---- */

int mdb_env_set_mapsize(void* env, size_t size) {
  typedef int function(void*, size_t);
  function* real = (function*)dlsym(RTLD_NEXT, "mdb_env_set_mapsize");
  const char* text = getenv("FAULTY_MAP");
  const size_t most = text ? strtoull(text, NULL, 10) : SIZE_MAX;
  return real(env, size < most ? size : most);
}
