// Pushes the lines of a file through the embedded library and says what was acknowledged, for
// scripts that end it at any moment:
//
//     crash_client FEATURES DATA STREAM FILE BATCH FIRST LAST [CHECKPOINT_MS [PRODUCER]]
//
// The lines are cut into batches of BATCH, numbered from 1; those from FIRST to LAST are pushed in
// order, with their numbers as PRODUCER's sequences where one is given. `ack N` on standard output
// says that batch N was acknowledged, `done` that the engine has been closed. A failure is said on
// standard error; the exit code is then 1.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "windrow/engine.hpp"

namespace {

// Not through a buffer: what is written has been said, whatever happens next.
void say(const std::string& text) {
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    std::_Exit(3);
}

int fail(const char* doing, const windrow::failure& why) {
  std::fprintf(stderr, "%s: %s: %s\n", doing, std::string(to_string(why.code)).c_str(),
               why.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) return std::fprintf(stderr, "see the comment at the top of client.cpp\n"), 2;
  std::vector<std::string> lines;
  std::ifstream file(argv[4]);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  const auto batch = std::strtoul(argv[5], nullptr, 10);
  const auto first = std::strtoul(argv[6], nullptr, 10), last = std::strtoul(argv[7], nullptr, 10);

  windrow::engine_options options{.declarations = argv[1], .data = argv[2]};
  if (argc > 8)
    options.checkpoint_interval = std::chrono::milliseconds(std::strtol(argv[8], nullptr, 10));
  auto engine = windrow::engine::open(options);
  if (!engine) return fail("open", engine.error());
  for (auto number = first; number <= last; ++number) {
    const std::size_t begin = (number - 1) * batch;
    std::vector<std::string_view> messages;
    for (std::size_t i = begin; i < lines.size() && i < begin + batch; ++i)
      messages.push_back(lines[i]);
    if (messages.empty()) break;
    windrow::push_options who;
    if (argc > 9) who = {argv[9], number};
    auto pushed = engine->push(argv[3], messages, who);
    if (!pushed) return fail("push", pushed.error());
    say("ack " + std::to_string(number) + "\n");
  }
  auto closed = engine->close();
  if (!closed) return fail("close", closed.error());
  say("done\n");
}
