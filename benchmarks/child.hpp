#pragma once

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "windrow/result.hpp"

namespace windrow::bench {

/// This program once more, as a process of its own: to be killed, or to have its memory measured.
/// Talks in lines on its standard output.
class child {
public:
  static result<child> start(const std::vector<std::string>& arguments);
  ~child();
  child(child&& other) noexcept;
  child& operator=(child&&) = delete;

  /// The next line; nothing at the end.
  std::optional<std::string> read_line();
  void kill();
  /// Waits for the end; true if the child ended well.
  bool wait();

private:
  child(pid_t id, std::FILE* lines) : id_(id), lines_(lines) {}
  pid_t id_;
  std::FILE* lines_;
};

/// Anonymous memory of this process that is resident, in bytes.
std::size_t resident_bytes();

}  // namespace windrow::bench
