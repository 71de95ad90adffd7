// The part of the API that controls sources, and dead letters that leave.
#include "server/api/api.hpp"
#include "server/body/dead_letters_json.hpp"
#include "server/body/sources_json.hpp"

namespace windrow::server {
namespace {

response control_answer(const result<sources::source_control>& done) {
  return done ? answer(source_control_json(*done)) : problem(done.error());
}

/// The body of what has no place to go to.
result<source_control_request> only_partition(const std::string& body) {
  auto read = read_source_control_request(body);
  if (read && !read->to.empty()) return failure{errc::invalid, "`to` is for seek alone"};
  return read;
}

result<node::dead_letter_selection> selection_of(const target& address) {
  const auto source = address.one("source"), reason = address.one("reason"),
             partition = address.one("partition"), at = address.one("at");
  for (const auto* given : {&source, &reason, &partition, &at}) {
    if (!*given) return given->error();
  }
  node::dead_letter_selection what{source->value_or(""), reason->value_or(""),
                                   partition->value_or(""), std::nullopt};
  if (*at) {
    const auto place = parse_seek_target(**at);
    if (!place || place->what != sources::seek_target::kind::position)
      return failure{errc::invalid, "`at` is a whole number"};
    what.at = place->position;
  }
  return what;
}

}  // namespace

response api::sources(const call&) {
  const auto found = service_.sources();
  return found ? answer(sources_json(*found)) : problem(found.error());
}

response api::pause_source(const call& what) {
  const auto body = only_partition(what.asked.body);
  if (!body) return problem(body.error());
  return control_answer(service_.pause_source({what.parameters[0], body->partition}));
}

response api::resume_source(const call& what) {
  const auto body = only_partition(what.asked.body);
  if (!body) return problem(body.error());
  return control_answer(service_.resume_source({what.parameters[0], body->partition}));
}

response api::seek_source(const call& what) {
  const auto body = read_source_control_request(what.asked.body);
  if (!body) return problem(body.error());
  const auto to = parse_seek_target(body->to);
  if (!to) return problem(to.error());
  return control_answer(service_.seek_source({what.parameters[0], body->partition}, *to));
}

response api::reset_source(const call& what) {
  const auto body = only_partition(what.asked.body);
  if (!body) return problem(body.error());
  return control_answer(service_.reset_source({what.parameters[0], body->partition}));
}

response api::replay_dead_letters(const call& what) {
  const auto selection = selection_of(what.address);
  if (!selection) return problem(selection.error());
  const auto done = service_.replay_dead_letters(*selection);
  if (!done) return problem(done.error());
  return answer(replay_json(*done));
}

response api::drop_dead_letters(const call& what) {
  const auto selection = selection_of(what.address);
  if (!selection) return problem(selection.error());
  const auto done = service_.drop_dead_letters(*selection);
  if (!done) return problem(done.error());
  return answer(drop_json(*done));
}

}  // namespace windrow::server
