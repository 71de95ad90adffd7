#include "tools/command_support.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "cluster/local_service.hpp"

namespace windrow::tools {
namespace {

/// A declaration file may have 16 MiB; one byte more is enough for the compiler to refuse it.
constexpr std::size_t declaration_bytes_max = (std::size_t{16} << 20) + 1;

/// Why standard output does not hold all that was printed.
std::optional<int> unwritten;

result<std::string> read_file(const std::string& path) {
  const auto refused = [&] {
    return failure{errc::io, "cannot read " + path + ": " + std::strerror(errno)};
  };
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return refused();
  std::string text;
  std::size_t got = 0;
  do {
    const std::size_t have = text.size();
    text.resize(have + (std::size_t{1} << 16));
    got = std::fread(text.data() + have, 1, text.size() - have, file);
    text.resize(have + got);
  } while (got > 0 && text.size() < declaration_bytes_max);
  const bool bad = std::ferror(file) != 0;
  const int reason = errno;
  std::fclose(file);
  errno = reason;
  if (bad) return refused();
  return text;
}

std::optional<std::string> environment_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

int say_error(const failure& why, int code) {
  report("windrow: error: " + why.message + "\n");
  return code;
}

}  // namespace

// The first reason counts: later ones are of a stream that has failed already.
void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) < text.size() && !unwritten) {
    unwritten = errno;
  }
}

result<void> print_now(std::string_view text) {
  print(text);
  if (std::fflush(stdout) != 0 && !unwritten) unwritten = errno;
  if (std::ferror(stdout) != 0 && !unwritten) unwritten = EIO;  // what did not go through here
  if (!unwritten) return {};
  return failure{errc::io, std::string("cannot write the answer: ") + std::strerror(*unwritten)};
}

void report(std::string_view text) {
  // What was printed before it comes before it, also where both go to one place.
  std::fflush(stdout);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void note(std::string_view message) { report("windrow: note: " + std::string(message) + "\n"); }
int fail(const failure& why) { return say_error(why, exit_failure); }
int fail_usage(const failure& why) { return say_error(why, exit_usage); }

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

std::size_t terminal_width(int descriptor) {
  if (!is_terminal(descriptor)) return 0;
  winsize size{};
  const bool known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

table_options output_options() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool plain = no_color != nullptr && *no_color != '\0';
  return {.colours = is_terminal(STDOUT_FILENO) && !plain, .width = terminal_width(STDOUT_FILENO)};
}

result<schema::compiled> compile_file(const std::string& path) {
  auto text = read_file(path);
  if (!text.ok()) return text.error();
  return schema::compile_yaml(text.value(), path, environment_variable);
}

result<std::unique_ptr<cluster::service>> open_read_only(const std::string& data) {
  node::node_options options;
  options.data = data;
  options.read_only = true;
  auto opened = cluster::open_local_service(options);
  if (!opened.ok()) return opened;
  // What was journalled and not checkpointed yet is part of the answer.
  if (auto applied = opened.value()->wait_applied(); !applied.ok()) return applied.error();
  return opened;
}

}  // namespace windrow::tools
