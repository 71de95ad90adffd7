#include "server/api/audit_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "server/body/json_writer.hpp"

namespace windrow::server {
namespace {

constexpr std::size_t path_bytes_max = 256;

}  // namespace

audit_log::~audit_log() {
  if (file_ >= 0) ::close(file_);
}

bool audit_log::open() {
  if (file_ >= 0 && bytes_ >= bytes_max_) {
    ::close(file_);
    file_ = -1;
    std::rename(path_.c_str(), (path_ + ".1").c_str());
  }
  if (file_ >= 0) return true;
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                 S_IRUSR | S_IWUSR);
  struct stat status {};
  bytes_ =
      file_ >= 0 && ::fstat(file_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return file_ >= 0;
}

void audit_log::write(const entry& what) {
  json_writer out;
  out.begin_object().key("time").time(what.at).key("who").string(what.who);
  out.key("peer").string(what.peer).key("method").string(what.method);
  out.key("path").string(what.path.substr(0, path_bytes_max));
  out.key("status").integer(what.status).key("result");
  out.string(what.code.empty() ? std::string_view("done") : what.code).end_object();
  const std::string line = out.take() + "\n";
  const std::lock_guard lock(mutex_);
  const bool written =
      open() && ::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  bytes_ += line.size();
  lost_ += written ? 0 : 1;
}

std::uint64_t audit_log::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace windrow::server
