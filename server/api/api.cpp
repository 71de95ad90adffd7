#include "server/api/api.hpp"

#include <algorithm>
#include <charconv>

#include "schema/check_report.hpp"
#include "server/api/admission.hpp"
#include "server/api/media_type.hpp"
#include "server/api/openapi.hpp"
#include "server/body/aggregates_json.hpp"
#include "server/body/body_codec.hpp"
#include "server/body/catalog_json.hpp"
#include "server/body/dead_letters_json.hpp"
#include "server/body/inspection_json.hpp"
#include "server/body/json_writer.hpp"
#include "server/body/query_json.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

/// Combinations of class and features that are kept resolved; beyond it they are forgotten.
constexpr std::size_t prepared_max = 1'024;
/// Dead letters of a listing that does not say how many.
constexpr std::size_t dead_letters_shown = 20;

response capnp_answer(std::string body) {
  response out = answer(std::move(body));
  out.type = capnp_type;
  return out;
}

result<std::optional<std::uint64_t>> count_of(const target& address, std::string_view name) {
  auto text = address.one(name);
  if (!text) return text.error();
  if (!*text) return std::optional<std::uint64_t>{};
  std::uint64_t number = 0;
  const char* end = (*text)->data() + (*text)->size();
  const auto read = std::from_chars((*text)->data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) {
    return failure{errc::invalid, "`" + std::string(name) + "` is a whole number"};
  }
  return std::optional(number);
}

/// How the window of that canonical name is folded; empty for a name that is no window's.
explain_context context_of(const schema::plan& plan, const std::string& feature) {
  explain_context context;
  for (const schema::window_value& v : plan.window_values) {
    if (v.fqn != feature) continue;
    const schema::rule& rule = plan.rules[static_cast<std::size_t>(v.rule)];
    context.aggregation =
        schema::describe_function(rule) + " of " + schema::describe_series(plan, rule.series);
    context.bucket_duration = plan.tilings[static_cast<std::size_t>(rule.tiling)].duration;
  }
  return context;
}

}  // namespace

api::api(cluster::service& service, api_options options)
    : service_(service), options_(std::move(options)) {}

response api::handle(const request& asked) {
  const auto address = read_target(asked.target);
  if (!address) return problem(address.error());
  admission found = admit(asked, *address, !asked.body.empty());
  if (found.refused) return std::move(*found.refused);
  return run(*found.to, {asked, *address, std::move(found.parameters)});
}

response api::run(const route& to, const call& what) {
  const auto type = chosen_type(what.asked, to.answers);
  if (type) return (this->*to.handle)({what.asked, what.address, what.parameters, *type});
  std::string types;
  for (const std::string_view t : to.answers) types += (types.empty() ? "" : ", ") + std::string(t);
  return problem(406, "not_acceptable", "this address answers with " + types);
}

response api::health(const call&) {
  const auto progress = service_.progress();
  if (progress.failed) return problem(503, "closed", progress.failed->message);
  return answer("{\"status\": \"ok\"}\n");
}

response api::readiness(const call& what) {
  if (draining_) return problem(503, "draining", "the node is stopping");
  if (!service_.caught_up()) {
    return problem(503, "catching_up",
                   "what was pushed before the start is still being applied; "
                   "answers would be older than those given before");
  }
  return health(what);
}

std::optional<response> api::out_of_scope(const schema::plan& plan, const principal& who,
                                          std::string_view entity_class) const {
  if (who.classes.empty()) return std::nullopt;
  const auto found = schema::resolve_class(plan, entity_class);
  if (found) {
    // A token may name it as a query may: `User` or `user`.
    if (std::any_of(who.classes.begin(), who.classes.end(), [&](const std::string& name) {
          const auto of_token = schema::resolve_class(plan, name);
          return of_token && *of_token == *found;
        })) {
      return std::nullopt;
    }
  }
  // The same for a class that does not exist: a token does not find out what it may not see.
  return problem(403, "forbidden",
                 "this token is not for the class `" + std::string(entity_class) + "`");
}

result<timestamp> api::now_of(const target& address) const {
  const auto text = address.one("now");
  if (!text) return text.error();
  if (!*text) return timestamp{options_.clock()};
  auto time = parse_time(**text);
  if (!time) return failure{errc::invalid, "`now`: " + time.error().message};
  return time;
}

response api::query(const call& what) {
  auto body = is_media_type(what.asked.header("content-type"), capnp_type)
                  ? decode_query(what.asked.body, options_.bounds.rows)
                  : read_query(what.asked.body);
  if (!body) return problem(body.error());
  if (body->entities.size() > options_.bounds.rows) {
    return problem(413, "too_large",
                   "a query of more than " + std::to_string(options_.bounds.rows) +
                       " entities; ask for them in several");
  }
  const auto plan = service_.plan();
  for (const entity_reference& e : body->entities) {
    if (auto refused = out_of_scope(*plan, what.asked.who, e.entity_class))
      return std::move(*refused);
  }
  if (!body->now) body->now = timestamp{options_.clock()};
  const auto found = service_.query(*body);
  if (!found) return problem(found.error());
  if (what.answers == capnp_type) return capnp_answer(encode_answer(*found));
  return answer(query_json(*found));
}

result<query::class_query_ptr> api::prepared_for(const std::string& entity_class,
                                                 const std::vector<std::string>& features) {
  std::string name = entity_class;
  for (const std::string& f : features) name.append(1, '\0').append(f);
  const auto plan = service_.plan();
  {
    std::lock_guard lock(prepared_mutex_);
    const auto known = prepared_.find(name);
    if (known != prepared_.end() && known->second->plan == plan) return known->second;
  }
  std::vector<std::string> wanted = features;
  if (wanted.empty()) {
    const auto found = schema::resolve_class(*plan, entity_class);
    if (!found) return found.error();
    wanted = features_of_class(*plan, *found);
  }
  auto prepared = service_.prepare(entity_class, wanted);
  if (!prepared) return prepared.error();
  std::lock_guard lock(prepared_mutex_);
  if (prepared_.size() >= prepared_max) prepared_.clear();
  prepared_[std::move(name)] = *prepared;
  return *prepared;
}

response api::entity(const call& what) {
  const std::string& entity_class = what.parameters[0];
  if (auto refused = out_of_scope(*service_.plan(), what.asked.who, entity_class))
    return std::move(*refused);
  const auto prepared = prepared_for(entity_class, what.address.all("feature"));
  if (!prepared) return problem(prepared.error());
  const auto now = now_of(what.address);
  if (!now) return problem(now.error());
  const auto row = service_.lookup(*prepared, what.parameters[1], *now);
  if (!row) return problem(row.error());
  const std::uint32_t version = (*prepared)->plan->catalog_version;
  if (what.answers == capnp_type) return capnp_answer(encode_answer({*now, version, {*row}}));
  return answer(entity_json(*row, *now, version));
}

response api::explain(const call& what) {
  const auto entity_class = what.address.one("class"), key = what.address.one("key"),
             feature = what.address.one("feature");
  for (const auto* given : {&entity_class, &key, &feature}) {
    if (!*given) return problem(given->error());
  }
  const auto plan = service_.plan();
  if (auto refused = out_of_scope(*plan, what.asked.who, **entity_class))
    return std::move(*refused);
  const auto now = now_of(what.address);
  if (!now) return problem(now.error());
  const auto found = service_.explain({**entity_class, **key}, **feature, *now);
  if (!found) return problem(found.error());
  explain_context context = context_of(*plan, found->row.features.front().feature);
  context.now = *now;
  context.catalog_version = plan->catalog_version;
  return answer(explain_json(*found, context));
}

response api::metrics_text(const call&) {
  response out = answer(counts_.text(service_));
  out.type = std::string(metrics::media_type);
  return out;
}

response api::openapi(const call&) {
  static const std::string text = openapi_json();  // anyone may ask, as often as they like
  return answer(text);
}

response api::schema_text(const call&) {
  response out = answer(std::string(api_schema()));
  out.type = "text/plain; charset=utf-8";
  return out;
}

response api::catalog(const call&) { return answer(catalog_json(*service_.plan())); }

response api::aggregates(const call&) {
  const auto plan = service_.plan();
  const auto found = service_.count_rules();
  if (!found) return problem(found.error());
  return answer(aggregates_json(list_aggregates(*plan, *found)));
}

response api::inspection(const call& what) {
  const auto verify = what.address.one("verify");
  if (!verify) return problem(verify.error());
  const bool wanted = *verify && **verify == "true";
  if (*verify && !wanted && **verify != "false") {
    return problem(400, "invalid", "`verify` is true or false");
  }
  if (wanted && !options_.stopped_folder) {
    return problem(409, "busy", "a running node does not verify its folder: stop it first");
  }
  const auto found = service_.inspect(wanted);
  if (!found) return problem(found.error());
  return answer(inspection_json(*found));
}

response api::dead_letters(const call& what) {
  node::dead_letter_selection selection;
  const auto source = what.address.one("source"), reason = what.address.one("reason"),
             partition = what.address.one("partition"), messages = what.address.one("messages");
  for (const auto* given : {&source, &reason, &partition, &messages}) {
    if (!*given) return problem(given->error());
  }
  selection.source = source->value_or("");
  selection.reason = reason->value_or("");
  selection.partition = partition->value_or("");
  if (*messages && **messages != "whole") {
    return problem(400, "invalid", "`messages` is `whole`, or not given");
  }
  const auto at = count_of(what.address, "at"), limit = count_of(what.address, "limit");
  if (!at) return problem(at.error());
  if (!limit) return problem(limit.error());
  selection.at = *at;
  const auto found = service_.list_dead_letters(selection, limit->value_or(dead_letters_shown));
  if (!found) return problem(found.error());
  return answer(dead_letters_json(*found, messages->has_value()));
}

response api::checkpoint(const call&) {
  if (auto done = service_.checkpoint(); !done) return problem(done.error());
  return answer("{\"checkpoint\": \"done\"}\n");
}

}  // namespace windrow::server
