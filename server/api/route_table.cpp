#include "server/api/route_table.hpp"

#include <algorithm>

#include "base/suggest.hpp"
#include "server/api/api.hpp"
#include "server/body/aggregates_json.hpp"
#include "server/body/body_codec.hpp"
#include "server/body/catalog_json.hpp"
#include "server/body/dead_letters_json.hpp"
#include "server/body/inspection_json.hpp"
#include "server/body/push_json.hpp"
#include "server/body/query_json.hpp"
#include "server/body/sources_json.hpp"

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

constexpr std::string_view time_taken = R"({"$ref": "TimeGiven"})";
constexpr std::string_view number_taken =
    R"({"type": "integer", "minimum": 0, "maximum": 18446744073709551615})";

constexpr query_parameter of_entity[] = {
    {.name = "feature",
     .about = "a feature, with or without a window; none: all of the class",
     .repeated = true},
    {.name = "now",
     .about = "where windows end: RFC 3339 or milliseconds since 1970",
     .takes = time_taken}};
constexpr query_parameter of_explain[] = {
    {.name = "class", .about = "class of the entity", .required = true},
    {.name = "key", .about = "its primary key", .required = true},
    {.name = "feature", .about = "one window of one windowed feature", .required = true},
    {.name = "now", .about = "where the window ends", .takes = time_taken}};
constexpr query_parameter of_inspect[] = {
    {.name = "verify",
     .about = "`true`: read everything and check every checksum",
     .takes = R"({"type": "string", "enum": ["true", "false"]})"}};
constexpr query_parameter of_dead_letters[] = {
    {.name = "source", .about = "only those of one declared source"},
    {.name = "reason", .about = "only those of one reason or phase"},
    {.name = "partition", .about = "only those of one partition, named as in the answer"},
    {.name = "at", .about = "only those at this place", .takes = number_taken},
    {.name = "limit",
     .about = "how many, the newest; 20 by default, 0 for all",
     .takes = number_taken},
    {.name = "messages",
     .about = "`whole`: whole messages, else their beginning",
     .takes = R"({"type": "string", "enum": ["whole"]})"}};

constexpr query_parameter of_leaving_dead_letters[] = {
    {.name = "source", .about = "only those of one declared source"},
    {.name = "reason", .about = "only those of one reason or phase"},
    {.name = "partition", .about = "only those of one partition, named as they are listed"},
    {.name = "at",
     .about = "only those at this place, which is refused where it is one of several partitions",
     .takes = number_taken}};

constexpr query_parameter of_push[] = {
    {.name = "wait",
     .about = "`applied`, the default: the answer says what could not be used; `durable`: it does "
              "not wait for that",
     .takes = R"({"type": "string", "enum": ["applied", "durable"]})"},
    {.name = "Windrow-Producer",
     .about = "who pushes, for pushes that may be repeated",
     .takes = R"({"type": "string", "minLength": 1, "maxLength": 256,
  "pattern": "^[!-~]([ -~]*[!-~])?$"})",
     .header = true},
    {.name = "Windrow-Sequence",
     .about = "1, 2, 3, … of that producer",
     .takes = R"({"type": "integer", "minimum": 1, "maximum": 18446744073709551615})",
     .header = true}};

constexpr route table[] = {
    {.method = "GET",
     .pattern = "/healthz",
     .open_to = {},
     .covers = scope::open,
     .takes = pace::quick,
     .operation = "health",
     .summary = "Whether the node works",
     .handle = &api::health,
     .answer = &health_shape},
    {.method = "GET",
     .pattern = "/readyz",
     .open_to = {},
     .covers = scope::open,
     .takes = pace::quick,
     .operation = "readiness",
     .summary = "Whether the node takes requests",
     .handle = &api::readiness,
     .answer = &health_shape},
    {.method = "GET",
     .pattern = "/metrics",
     .open_to = everyone_known,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "metrics",
     .summary = "Metrics as Prometheus reads them",
     .handle = &api::metrics_text,
     .answers = text_answer},
    {.method = "GET",
     .pattern = "/v1/openapi.json",
     .open_to = {},
     .covers = scope::open,
     .takes = pace::slow,
     .operation = "openapi",
     .summary = "The API described as OpenAPI 3.1",
     .handle = &api::openapi,
     .answer = &document_shape},
    {.method = "GET",
     .pattern = "/v1/api.capnp",
     .open_to = {},
     .covers = scope::open,
     .takes = pace::quick,
     .operation = "schema",
     .summary = "The schema of Cap'n Proto bodies",
     .handle = &api::schema_text,
     .answers = text_answer},
    {.method = "POST",
     .pattern = "/v1/streams/{stream}",
     .open_to = pushing,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .parameters = of_push,
     .operation = "push",
     .summary = "Messages of a stream, durable when answered",
     .handle = &api::push,
     .answers = json_or_capnp,
     .answer = &push_answer_shape,
     .bodies = pushed,
     .body = &messages_shape},
    {.method = "POST",
     .pattern = "/v1/query",
     .open_to = reading,
     .covers = scope::by_class,
     .takes = pace::slow,
     .operation = "query",
     .summary = "Features of many entities",
     .handle = &api::query,
     .answers = json_or_capnp,
     .answer = &query_answer_shape,
     .bodies = json_or_capnp,
     .body = &query_shape},
    {.method = "GET",
     .pattern = "/v1/entities/{class}/{key}",
     .open_to = reading,
     .covers = scope::by_class,
     .takes = pace::quick,
     .parameters = of_entity,
     .operation = "entity",
     .summary = "Features of one entity",
     .handle = &api::entity,
     .answers = json_or_capnp,
     .answer = &entity_answer_shape},
    {.method = "GET",
     .pattern = "/v1/explain",
     .open_to = reading,
     .covers = scope::by_class,
     .takes = pace::slow,
     .parameters = of_explain,
     .operation = "explain",
     .summary = "The buckets behind one value",
     .handle = &api::explain,
     .answer = &explanation_shape},
    {.method = "GET",
     .pattern = "/v1/catalog",
     .open_to = reading,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "catalog",
     .summary = "Classes, features, sources and streams",
     .handle = &api::catalog,
     .answer = &catalog_shape},
    {.method = "GET",
     .pattern = "/v1/aggregates",
     .open_to = reading,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "aggregates",
     .summary = "Series and rules, and how much they hold",
     .handle = &api::aggregates,
     .answer = &aggregates_shape},
    {.method = "GET",
     .pattern = "/v1/inspect",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .parameters = of_inspect,
     .operation = "inspect",
     .summary = "The data folder: files, stripes, journal",
     .handle = &api::inspection,
     .answer = &inspection_shape},
    {.method = "GET",
     .pattern = "/v1/dead-letters",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .parameters = of_dead_letters,
     .operation = "dead_letters",
     .summary = "Messages that could not be used",
     .handle = &api::dead_letters,
     .answer = &dead_letters_shape},
    {.method = "POST",
     .pattern = "/v1/checkpoint",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "checkpoint",
     .summary = "Bring every change so far to disk",
     .handle = &api::checkpoint,
     .answer = &checkpoint_shape},
    {.method = "POST",
     .pattern = "/v1/dead-letters/replay",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .parameters = of_leaving_dead_letters,
     .operation = "replay_dead_letters",
     .summary = "Send dead letters once more through their streams",
     .handle = &api::replay_dead_letters,
     .answer = &replayed_shape},
    {.method = "POST",
     .pattern = "/v1/dead-letters/drop",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .parameters = of_leaving_dead_letters,
     .operation = "drop_dead_letters",
     .summary = "Forget dead letters",
     .handle = &api::drop_dead_letters,
     .answer = &dropped_shape},
    {.method = "GET",
     .pattern = "/v1/sources",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "sources",
     .summary = "Where each source stands",
     .handle = &api::sources,
     .answer = &sources_shape},
    {.method = "POST",
     .pattern = "/v1/sources/{source}/pause",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "pause_source",
     .summary = "Read no more of a source",
     .handle = &api::pause_source,
     .answer = &source_control_shape,
     .bodies = json_only,
     .body = &partition_shape,
     .body_optional = true},
    {.method = "POST",
     .pattern = "/v1/sources/{source}/resume",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "resume_source",
     .summary = "Read a source on",
     .handle = &api::resume_source,
     .answer = &source_control_shape,
     .bodies = json_only,
     .body = &partition_shape,
     .body_optional = true},
    {.method = "POST",
     .pattern = "/v1/sources/{source}/seek",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "seek_source",
     .summary = "Read a source on elsewhere",
     .handle = &api::seek_source,
     .answer = &source_control_shape,
     .bodies = json_only,
     .body = &seek_shape},
    {.method = "POST",
     .pattern = "/v1/sources/{source}/reset",
     .open_to = administering,
     .covers = scope::whole_node,
     .takes = pace::slow,
     .operation = "reset_source",
     .summary = "Read a source again from its start",
     .handle = &api::reset_source,
     .answer = &source_control_shape,
     .bodies = json_only,
     .body = &partition_shape,
     .body_optional = true},
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
    std::vector<std::string> names;
    for (const query_parameter& p : to.parameters) {
      if (!p.header) names.emplace_back(p.name);
    }
    return problem(400, "invalid", no_such("parameter", name, names));
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
