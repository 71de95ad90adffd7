#include "server/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "server/prometheus_text.hpp"
#include "server/route_table.hpp"

namespace windrow::server {
namespace {

std::string text_of(double number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end.ptr};
}

double real(std::uint64_t number) { return static_cast<double>(number); }

void write_node(prometheus_text& out, cluster::node& node) {
  const cluster::node_progress p = node.progress();
  out.family("windrow_failed", "gauge", "1 where the node has stopped taking input.");
  out.sample(p.failed ? 1 : 0);
  out.family("windrow_messages_read_total", "counter", "Messages read since the node started.");
  out.sample(real(p.read));
  out.family("windrow_messages_total", "counter", "Messages by what became of them.");
  out.sample(real(p.applied), {{"outcome", "applied"}});
  out.sample(real(p.skipped), {{"outcome", "skipped"}});
  out.sample(real(p.dead_lettered), {{"outcome", "dead_lettered"}});
  out.family("windrow_dead_letters_total", "counter", "Messages that could not be used, by reason.");
  for (const auto& [name, count] : p.dead_letters) {
    const std::size_t cut = std::min(name.find(": "), name.size());
    const std::string reason = name.substr(std::min(cut + 2, name.size()));
    out.sample(real(count), {{"phase", std::string_view(name).substr(0, cut)}, {"reason", reason}});
  }
  out.family("windrow_late_rows_total", "counter", "Rows too old for at least one rule.");
  out.sample(real(p.late));
  out.family("windrow_read_bytes_total", "counter", "Bytes of sources read, by earlier runs too.");
  out.sample(real(p.read_bytes));
  if (p.newest != INT64_MIN) {
    out.family("windrow_newest_event_seconds", "gauge", "Newest event time, since 1970.");
    out.sample(static_cast<double>(p.newest) / 1e6);
  }
  storage::journal& journal = node.journal();
  out.family("windrow_journal_entries_total", "counter", "Pushes ever accepted by the folder.");
  out.sample(real(journal.last()));
  out.family("windrow_journal_kept_entries", "gauge",
             "Pushes that not every shard has on disk yet.");
  out.sample(real(journal.last() - std::min(journal.last(), journal.trimmed())));
}

}  // namespace

metrics::metrics() {
  for (const route& r : routes()) routes_.push_back({std::string(r.operation), {}, {}, 0});
  routes_.push_back({"none", {}, {}, 0});
}

void metrics::answered(const route* to, int status, std::chrono::nanoseconds took) {
  const std::size_t at =
      to ? static_cast<std::size_t>(to - routes().data()) : routes_.size() - 1;
  const double seconds = std::chrono::duration<double>(took).count();
  const std::lock_guard lock(guard_);
  of_route& r = routes_[at];
  ++r.by_status[status];
  ++r.within[static_cast<std::size_t>(
      std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin())];
  r.seconds += seconds;
}

std::string metrics::text(cluster::node& node) const {
  prometheus_text out;
  write_node(out, node);
  const std::lock_guard lock(guard_);
  out.family("windrow_http_connections_total", "counter", "Connections that were taken.");
  out.sample(real(connections_));
  out.family("windrow_http_turned_away_total", "counter",
             "Connections that found every place busy.");
  out.sample(real(turned_away_));
  out.family("windrow_http_requests_total", "counter", "Requests by operation and status.");
  for (const of_route& r : routes_) {
    for (const auto& [status, count] : r.by_status) {
      out.sample(real(count), {{"operation", r.operation}, {"status", std::to_string(status)}});
    }
  }
  out.family("windrow_http_request_seconds", "histogram",
             "From the end of a request to the beginning of its answer.");
  for (const of_route& r : routes_) {
    if (r.by_status.empty()) continue;
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      so_far += r.within[i];
      out.sample(real(so_far), {{"operation", r.operation}, {"le", text_of(bounds[i])}}, "_bucket");
    }
    so_far += r.within.back();
    out.sample(real(so_far), {{"operation", r.operation}, {"le", "+Inf"}}, "_bucket");
    out.sample(r.seconds, {{"operation", r.operation}}, "_sum");
    out.sample(real(so_far), {{"operation", r.operation}}, "_count");
  }
  return out.take();
}

}  // namespace windrow::server
