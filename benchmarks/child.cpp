#include "benchmarks/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <utility>

extern char** environ;

namespace windrow::bench {

result<child> child::start(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failure{errc::io, "cannot make a pipe"};
  std::vector<char*> words{const_cast<char*>("bench")};
  for (const std::string& a : arguments) words.push_back(const_cast<char*>(a.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t id = 0;
  const int error = posix_spawn(&id, "/proc/self/exe", &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return failure{errc::io, "cannot start this program again"};
  }
  return child(id, fdopen(ends[0], "r"));
}

child::child(child&& other) noexcept
    : id_(std::exchange(other.id_, 0)), lines_(std::exchange(other.lines_, nullptr)) {}

child::~child() {
  if (id_ != 0) kill();
  if (lines_) std::fclose(lines_);
}

std::optional<std::string> child::read_line() {
  std::string line;
  for (int c = std::fgetc(lines_); c != EOF; c = std::fgetc(lines_)) {
    if (c == '\n') return line;
    line.push_back(static_cast<char>(c));
  }
  return std::nullopt;
}

void child::kill() {
  ::kill(id_, SIGKILL);
  wait();
}

bool child::wait() {
  int status = 0;
  waitpid(std::exchange(id_, 0), &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    std::size_t kilobytes = 0;
    if (word == "RssAnon:" && in >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace windrow::bench
