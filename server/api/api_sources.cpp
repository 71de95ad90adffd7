// The part of the API that steers: sources, and dead letters that leave.
#include "node/dead_letter_selection.hpp"
#include "server/api/api.hpp"
#include "server/body/dead_letters_json.hpp"
#include "server/body/sources_json.hpp"

namespace windrow::server {
namespace {

response outcome(const result<sources::source_control>& done) {
  return done ? answer(source_control_json(*done)) : problem(done.error());
}

/// The body of what has no place to go to.
result<steering_body> only_partition(const std::string& body) {
  auto read = read_steering_request(body);
  if (read && !read->to.empty()) return failure{errc::invalid, "`to` is for seek alone"};
  return read;
}

result<storage::dead_letter_filter> letters_of(node::node& node, const target& address) {
  const auto source = address.one("source"), reason = address.one("reason"),
             partition = address.one("partition");
  for (const auto* given : {&source, &reason, &partition}) {
    if (!*given) return given->error();
  }
  node::dead_letter_selection what{source->value_or(""), reason->value_or(""), std::nullopt};
  const auto at = address.one("at");
  if (!at) return at.error();
  if (*at) {
    const auto place = parse_seek_target(**at);
    if (!place || place->what != sources::seek_target::kind::position)
      return failure{errc::invalid, "`at` is a whole number"};
    what.at = place->position;
  }
  auto filter = node::filter_of(node.plan(), what);
  if (!filter) return filter;
  if (auto narrowed = narrow(node, *partition, *filter); !narrowed) return narrowed.error();
  return filter;
}

}  // namespace

response api::sources(const call&) {
  const auto found = node_.sources();
  return found ? answer(sources_json(*found)) : problem(found.error());
}

response api::pause_source(const call& what) {
  const auto body = only_partition(what.asked.body);
  if (!body) return problem(body.error());
  return outcome(node_.pause_source({what.parameters[0], body->partition}));
}

response api::resume_source(const call& what) {
  const auto body = only_partition(what.asked.body);
  if (!body) return problem(body.error());
  return outcome(node_.resume_source({what.parameters[0], body->partition}));
}

response api::seek_source(const call& what) {
  const auto body = read_steering_request(what.asked.body);
  if (!body) return problem(body.error());
  const auto to = parse_seek_target(body->to);
  if (!to) return problem(to.error());
  return outcome(node_.seek_source({what.parameters[0], body->partition}, *to));
}

response api::reset_source(const call& what) {
  const auto body = only_partition(what.asked.body);
  if (!body) return problem(body.error());
  return outcome(node_.reset_source({what.parameters[0], body->partition}));
}

response api::replay_dead_letters(const call& what) {
  const auto filter = letters_of(node_, what.address);
  if (!filter) return problem(filter.error());
  const auto done = node_.replay_dead_letters(*filter);
  if (!done) return problem(done.error());
  return answer(replay_json(*done));
}

response api::drop_dead_letters(const call& what) {
  const auto filter = letters_of(node_, what.address);
  if (!filter) return problem(filter.error());
  const auto done = node_.drop_dead_letters(*filter);
  if (!done) return problem(done.error());
  return answer(drop_json(*done));
}

}  // namespace windrow::server
