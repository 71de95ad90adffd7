#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "windrow/value.hpp"

namespace windrow::server {

/// What was refused, and what administrators did: a JSON object a line, in a file that is only
/// appended to, mode 0600. It has no bodies, no values, no tokens; whatever a client sent is
/// escaped, so that no line can be forged.
///
/// Beyond 64 MiB the file becomes `NAME.1`, which replaces the one before.
/// Concurrency: any thread.
class audit_log {
public:
  struct entry {
    timestamp at;
    std::string_view who;   ///< `owner`, `token 3f2a…`, `anonymous`
    std::string_view peer;  ///< address
    std::string_view method;
    std::string_view path;  ///< without the query
    int status = 0;
    std::string_view code;  ///< of the refusal; empty if it was done
  };

  explicit audit_log(std::string path, std::uint64_t bytes_max = std::uint64_t{64} << 20)
      : path_(std::move(path)), bytes_max_(bytes_max) {}
  ~audit_log();
  audit_log(const audit_log&) = delete;
  audit_log& operator=(const audit_log&) = delete;

  void write(const entry& what);
  /// Lines that could not be written.
  std::uint64_t lost() const;

private:
  bool open();

  const std::string path_;
  const std::uint64_t bytes_max_;
  mutable std::mutex mutex_;
  int file_ = -1;
  std::uint64_t bytes_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace windrow::server
