#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "tests/support/temporary_folder.hpp"
#include "windrow/result.hpp"

namespace windrow::storage::testing {

using windrow::test::slurp;
using windrow::test::spill;
using windrow::test::temporary_folder;

inline void flip_bit(const std::string& path, std::size_t offset, int bit = 0) {
  std::string content = slurp(path);
  ASSERT_LT(offset, content.size());
  content[offset] = static_cast<char>(content[offset] ^ (1 << bit));
  spill(path, content);
}

/// Runs `body` in a forked child and gives its exit code, or 1000 plus the signal that ended it.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// The process may write no file beyond `bytes`: what a full disk looks like without one.
inline void limit_file_size(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

/// For messages of failed expectations.
template <class T>
std::string why(const result<T>& outcome) {
  return outcome ? "ok" : outcome.error().message;
}

}  // namespace windrow::storage::testing
