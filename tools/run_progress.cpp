#include "tools/run_progress.hpp"

#include <unistd.h>

#include <string>

#include "tools/command_support.hpp"

namespace windrow::tools {
namespace {

constexpr std::int64_t line_interval = 5'000'000;
/// To the line's beginning, and away with what stands there.
constexpr const char* clear_line = "\r\x1b[K";

}  // namespace

run_progress::run_progress(std::int64_t started_at, bool sized)
    : meter_(started_at),
      sized_(sized),
      terminal_(is_terminal(STDERR_FILENO)),
      line_at_(started_at) {}

void run_progress::failures(const node::node_progress& counts) {
  for (const auto& [source, why] : counts.failed_sources) {
    if (!said_.insert_or_assign(source, why.message).second) continue;
    if (terminal_) report(clear_line);
    report("windrow: error: the source `" + source + "` has stopped: " + why.message + "\n");
  }
}

void run_progress::waiting(const node::node_progress& counts) {
  const auto say_of = [this](const std::string& source, const std::string& what) {
    if (terminal_) report(clear_line);
    report("windrow: the source `" + source + "` " + what + "\n");
  };
  for (const auto& [source, why] : counts.waiting_sources) {
    if (!waiting_.contains(source)) say_of(source, "waits: " + why);
  }
  for (const auto& [source, why] : waiting_) {
    if (!counts.waiting_sources.contains(source)) say_of(source, "goes on");
  }
  waiting_ = counts.waiting_sources;
}

void run_progress::update(std::int64_t now, const node::node_progress& counts) {
  failures(counts);
  waiting(counts);
  progress_counts shown{.events = counts.read,
                        .dead_letters = counts.dead_lettered,
                        .bytes_read = sized_ ? counts.file_bytes : counts.read_bytes,
                        .failed_sources = counts.failed_sources.size()};
  if (sized_) shown.bytes_total = counts.total_bytes;
  const progress_view view = meter_.update(now, shown);
  if (terminal_) {
    report(clear_line + progress_line(view, terminal_width(STDERR_FILENO) - 1));
    return;
  }
  if (now < line_at_ + line_interval) return;
  line_at_ = now;
  if (counts.read != line_events_) print_line(view);
}

void run_progress::say(std::string_view doing) {
  if (terminal_) report(clear_line + std::string(doing) + " …");
}

void run_progress::finish(std::int64_t now, const node::node_progress& counts) {
  if (terminal_) return report(clear_line);
  if (!lines_printed_ || counts.read == line_events_) return;
  line_at_ = now - line_interval;
  update(now, counts);
}

void run_progress::print_line(const progress_view& view) {
  report(progress_log_line(view));
  line_events_ = view.counts.events;
  lines_printed_ = true;
}

}  // namespace windrow::tools
