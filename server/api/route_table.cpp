#include "server/api/route_table.hpp"

#include <algorithm>

#include "server/api/api.hpp"
#include "server/body/body_codec.hpp"

namespace windrow::server {
namespace {

constexpr roles reading = role::reader | role::admin;
constexpr roles pushing = role::writer | role::admin;
constexpr roles administering = role::admin;
constexpr roles everyone_known = role::reader | role::writer | roles(role::admin);

constexpr std::string_view json_only[] = {"application/json"};
constexpr std::string_view json_or_capnp[] = {"application/json", capnp_type};
constexpr std::string_view pushed[] = {"application/x-ndjson", "application/json", capnp_type};
constexpr std::string_view text_answer[] = {"text/plain"};

constexpr query_parameter of_entity[] = {
    {"feature", true, false, "a feature, with or without a window; none: all of the class"},
    {"now", false, false, "where windows end: RFC 3339 or milliseconds since 1970"}};
constexpr query_parameter of_explain[] = {
    {"class", false, true, "class of the entity"},
    {"key", false, true, "its primary key"},
    {"feature", false, true, "one window of one windowed feature"},
    {"now", false, false, "where the window ends"}};
constexpr query_parameter of_inspect[] = {
    {"verify", false, false, "`true`: read everything and check every checksum"}};
constexpr query_parameter of_letters[] = {
    {"source", false, false, "only those of one declared source"},
    {"reason", false, false, "only those of one reason or phase"},
    {"partition", false, false, "only those of one partition, named as in the answer"},
    {"at", false, false, "only those at this place"},
    {"limit", false, false, "how many, the newest; 20 by default, 0 for all"},
    {"messages", false, false, "`whole`: whole messages, else their beginning"}};

constexpr query_parameter of_leaving_letters[] = {
    {"source", false, false, "only those of one declared source"},
    {"reason", false, false, "only those of one reason or phase"},
    {"partition", false, false, "only those of one partition, named as they are listed"},
    {"at", false, false,
     "only those at this place, which is refused where it is one of several "
     "partitions"}};

constexpr query_parameter of_push[] = {
    {"wait", false, false,
     "`applied`, the default: the answer says what could not be used; `durable`: it does not wait "
     "for that"},
    {"Windrow-Producer", false, false, "who pushes, for pushes that may be repeated", true},
    {"Windrow-Sequence", false, false, "1, 2, 3, … of that producer", true}};

constexpr route table[] = {
    {"GET",
     "/healthz",
     {},
     scope::open,
     pace::quick,
     {},
     {},
     "health",
     "Whether the node works",
     &api::health},
    {"GET",
     "/readyz",
     {},
     scope::open,
     pace::quick,
     {},
     {},
     "readiness",
     "Whether the node takes requests",
     &api::readiness},
    {"GET",
     "/metrics",
     everyone_known,
     scope::whole_node,
     pace::slow,
     {},
     {},
     "metrics",
     "Metrics as Prometheus reads them",
     &api::metrics_text,
     text_answer},
    {"GET",
     "/v1/openapi.json",
     {},
     scope::open,
     pace::slow,
     {},
     {},
     "openapi",
     "The API described as OpenAPI 3.1",
     &api::openapi},
    {"GET",
     "/v1/api.capnp",
     {},
     scope::open,
     pace::quick,
     {},
     {},
     "schema",
     "The schema of Cap'n Proto bodies",
     &api::schema_text,
     text_answer},
    {"POST", "/v1/streams/{stream}", pushing, scope::whole_node, pace::slow, of_push, pushed,
     "push", "Messages of a stream, durable when answered", &api::push, json_or_capnp},
    {"POST",
     "/v1/query",
     reading,
     scope::by_class,
     pace::slow,
     {},
     json_or_capnp,
     "query",
     "Features of many entities",
     &api::query,
     json_or_capnp},
    {"GET",
     "/v1/entities/{class}/{key}",
     reading,
     scope::by_class,
     pace::quick,
     of_entity,
     {},
     "entity",
     "Features of one entity",
     &api::entity,
     json_or_capnp},
    {"GET",
     "/v1/explain",
     reading,
     scope::by_class,
     pace::slow,
     of_explain,
     {},
     "explain",
     "The buckets behind one value",
     &api::explain},
    {"GET",
     "/v1/catalog",
     reading,
     scope::whole_node,
     pace::slow,
     {},
     {},
     "catalog",
     "Classes, features, sources and streams",
     &api::catalog},
    {"GET",
     "/v1/aggregates",
     reading,
     scope::whole_node,
     pace::slow,
     {},
     {},
     "aggregates",
     "Series and rules, and how much they hold",
     &api::aggregates},
    {"GET",
     "/v1/inspect",
     administering,
     scope::whole_node,
     pace::slow,
     of_inspect,
     {},
     "inspect",
     "The data folder: files, stripes, journal",
     &api::inspection},
    {"GET",
     "/v1/dead-letters",
     administering,
     scope::whole_node,
     pace::slow,
     of_letters,
     {},
     "dead_letters",
     "Messages that could not be used",
     &api::dead_letters},
    {"POST",
     "/v1/checkpoint",
     administering,
     scope::whole_node,
     pace::slow,
     {},
     {},
     "checkpoint",
     "Bring every change so far to disk",
     &api::checkpoint},
    {"POST",
     "/v1/dead-letters/replay",
     administering,
     scope::whole_node,
     pace::slow,
     of_leaving_letters,
     {},
     "replay_dead_letters",
     "Send dead letters once more through their streams",
     &api::replay_dead_letters},
    {"POST",
     "/v1/dead-letters/drop",
     administering,
     scope::whole_node,
     pace::slow,
     of_leaving_letters,
     {},
     "drop_dead_letters",
     "Forget dead letters",
     &api::drop_dead_letters},
    {"GET",
     "/v1/sources",
     administering,
     scope::whole_node,
     pace::slow,
     {},
     {},
     "sources",
     "Where each source stands",
     &api::sources},
    {"POST",
     "/v1/sources/{source}/pause",
     administering,
     scope::whole_node,
     pace::slow,
     {},
     json_only,
     "pause_source",
     "Read no more of a source",
     &api::pause_source},
    {"POST",
     "/v1/sources/{source}/resume",
     administering,
     scope::whole_node,
     pace::slow,
     {},
     json_only,
     "resume_source",
     "Read a source on",
     &api::resume_source},
    {"POST",
     "/v1/sources/{source}/seek",
     administering,
     scope::whole_node,
     pace::slow,
     {},
     json_only,
     "seek_source",
     "Read a source on elsewhere",
     &api::seek_source},
    {"POST",
     "/v1/sources/{source}/reset",
     administering,
     scope::whole_node,
     pace::slow,
     {},
     json_only,
     "reset_source",
     "Read a source again from its start",
     &api::reset_source},
};

/// Fills `parameters` with what stands at `{…}` of the pattern.
bool fits(std::string_view pattern, std::span<const std::string> segments,
          std::vector<std::string>& parameters) {
  parameters.clear();
  for (const std::string& segment : segments) {
    if (pattern.empty()) return false;
    pattern.remove_prefix(1);
    const std::string_view part = pattern.substr(0, pattern.find('/'));
    if (part.starts_with('{')) {
      parameters.push_back(segment);
    } else if (part != segment) {
      return false;
    }
    pattern.remove_prefix(part.size());
  }
  return pattern.empty();
}

std::optional<response> unknown_parameter(const route& to, const target& address) {
  for (const auto& [name, value] : address.query) {
    const auto known = std::find_if(
        to.parameters.begin(), to.parameters.end(),
        [&name = name](const query_parameter& p) { return !p.header && p.name == name; });
    if (known != to.parameters.end()) continue;
    std::string names;
    for (const query_parameter& p : to.parameters) {
      if (p.header) continue;
      names += (names.empty() ? "" : ", ") + std::string(p.name);
    }
    return problem(400, "invalid",
                   "there is no parameter `" + name + "` here" +
                       (names.empty() ? "" : "; there are: " + names));
  }
  for (const query_parameter& p : to.parameters) {
    if (p.required && !p.header && address.all(p.name).empty()) {
      return problem(
          400, "invalid",
          "the parameter `" + std::string(p.name) + "` is missing: " + std::string(p.about));
    }
  }
  return std::nullopt;
}

}  // namespace

std::span<const route> routes() { return table; }

matched match(std::string_view method, const target& address) {
  matched out;
  std::string allowed;
  for (const route& candidate : table) {
    std::vector<std::string> parameters;
    if (!fits(candidate.pattern, address.segments, parameters)) continue;
    const bool head = method == "HEAD" && candidate.method == "GET";
    if (candidate.method != method && !head) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(candidate.method);
      continue;
    }
    out.to = &candidate;
    out.parameters = std::move(parameters);
    out.refused = unknown_parameter(candidate, address);
    return out;
  }
  if (allowed.empty()) {
    out.refused = problem(404, "not_found", "there is nothing at this address");
  } else {
    out.refused = problem(405, "method_not_allowed", "this address takes " + allowed);
    out.refused->headers.emplace_back("Allow", allowed);
  }
  return out;
}

std::optional<response> refusal(const route& to, const principal& who) {
  if (to.covers == scope::open) return std::nullopt;
  if (!who.may.meets(to.open_to)) {
    if (who.may == roles{}) {
      auto out = problem(401, "unauthorized", "give a token: `Authorization: Bearer …`");
      out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"windrow\"");
      return out;
    }
    return problem(403, "forbidden",
                   "who asks has no role that may; ask with a token of one that has");
  }
  if (to.covers == scope::whole_node && !who.classes.empty()) {
    return problem(403, "forbidden", "a token for certain classes does not allow it");
  }
  return std::nullopt;
}

}  // namespace windrow::server
