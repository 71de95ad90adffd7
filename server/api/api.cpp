#include "server/api/api.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "schema/check_report.hpp"
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
        std::string(to_string(rule.function)) + " of " + schema::describe_series(plan, rule.series);
    context.bucket_duration = plan.tilings[static_cast<std::size_t>(rule.tiling)].duration;
  }
  return context;
}

}  // namespace

api::api(node::node& node, api_options options) : node_(node), options_(std::move(options)) {}

response api::handle(const request& asked) {
  const auto address = read_target(asked.target);
  if (!address) return problem(address.error());
  matched found = match(asked.method, *address);
  if (!found.to) return std::move(*found.refused);
  if (auto refused = refusal(*found.to, asked.who)) return std::move(*refused);
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
  const auto progress = node_.progress();
  if (progress.failed) return problem(503, "closed", progress.failed->message);
  return answer("{\"status\": \"ok\"}\n");
}

response api::readiness(const call& what) {
  if (draining_) return problem(503, "draining", "the node is stopping");
  if (!node_.caught_up()) {
    return problem(503, "catching_up",
                   "what was pushed before the start is still being applied; "
                   "answers would be older than those given before");
  }
  return health(what);
}

std::optional<response> api::out_of_scope(const principal& who,
                                          std::string_view entity_class) const {
  if (who.classes.empty()) return std::nullopt;
  const auto found = schema::resolve_class(node_.plan(), entity_class);
  if (found) {
    // A token may name it as a query may: `User` or `user`.
    if (std::any_of(who.classes.begin(), who.classes.end(), [&](const std::string& name) {
          const auto of_token = schema::resolve_class(node_.plan(), name);
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
  if (body->request.entities.size() > options_.bounds.rows) {
    return problem(413, "too_large",
                   "a query of more than " + std::to_string(options_.bounds.rows) +
                       " entities; ask for them in several");
  }
  for (const entity_reference& e : body->request.entities) {
    if (auto refused = out_of_scope(what.asked.who, e.entity_class)) return std::move(*refused);
  }
  const timestamp now = body->request.now.value_or(timestamp{options_.clock()});
  // Rows with a time of their own are asked together with those of the same time.
  std::map<timestamp, std::vector<std::size_t>> by_time;
  for (std::size_t i = 0; i < body->now_of_row.size(); ++i) {
    by_time[body->now_of_row[i].value_or(now)].push_back(i);
  }
  if (by_time.empty()) by_time[now] = {};
  query_answer all;
  all.rows.resize(body->request.entities.size());
  for (const auto& [time, rows] : by_time) {
    query_request part{{}, body->request.features, time};
    for (const std::size_t i : rows) part.entities.push_back(body->request.entities[i]);
    auto found = node_.query(part);
    if (!found) return problem(found.error());
    all.catalog_version = found->catalog_version;
    for (std::size_t k = 0; k < rows.size(); ++k) all.rows[rows[k]] = std::move(found->rows[k]);
  }
  all.now = now;
  if (what.answers == capnp_type) return capnp_answer(encode_answer(all, body->now_of_row));
  return answer(query_json(all, body->now_of_row));
}

result<api::prepared_ptr> api::prepared_for(const std::string& entity_class,
                                            const std::vector<std::string>& features) {
  std::string name = entity_class;
  for (const std::string& f : features) name.append(1, '\0').append(f);
  {
    std::lock_guard lock(prepared_mutex_);
    if (const auto known = prepared_.find(name); known != prepared_.end()) return known->second;
  }
  std::vector<std::string> wanted = features;
  if (wanted.empty()) {
    const auto found = schema::resolve_class(node_.plan(), entity_class);
    if (!found) return found.error();
    wanted = features_of_class(node_.plan(), *found);
  }
  auto prepared = node_.prepare(entity_class, wanted);
  if (!prepared) return prepared.error();
  auto shared = std::make_shared<const node::node::prepared>(std::move(*prepared));
  std::lock_guard lock(prepared_mutex_);
  if (prepared_.size() >= prepared_max) prepared_.clear();
  prepared_.emplace(std::move(name), shared);
  return shared;
}

response api::entity(const call& what) {
  const std::string& entity_class = what.parameters[0];
  if (auto refused = out_of_scope(what.asked.who, entity_class)) return std::move(*refused);
  const auto prepared = prepared_for(entity_class, what.address.all("feature"));
  if (!prepared) return problem(prepared.error());
  const auto now = now_of(what.address);
  if (!now) return problem(now.error());
  const auto row = node_.lookup(**prepared, what.parameters[1], *now);
  if (!row) return problem(row.error());
  const std::uint32_t version = node_.plan().catalog_version;
  if (what.answers == capnp_type) return capnp_answer(encode_answer({*now, version, {*row}}));
  return answer(entity_json(*row, *now, version));
}

response api::explain(const call& what) {
  const auto entity_class = what.address.one("class"), key = what.address.one("key"),
             feature = what.address.one("feature");
  for (const auto* given : {&entity_class, &key, &feature}) {
    if (!*given) return problem(given->error());
  }
  if (auto refused = out_of_scope(what.asked.who, **entity_class)) return std::move(*refused);
  const auto now = now_of(what.address);
  if (!now) return problem(now.error());
  const auto found = node_.explain({**entity_class, **key}, **feature, *now);
  if (!found) return problem(found.error());
  explain_context context = context_of(node_.plan(), found->row.features.front().feature);
  context.now = *now;
  context.catalog_version = node_.plan().catalog_version;
  return answer(explain_json(*found, context));
}

response api::metrics_text(const call&) {
  response out = answer(counts_.text(node_));
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

response api::catalog(const call&) { return answer(catalog_json(node_.plan())); }

response api::aggregates(const call&) {
  const auto found = node_.rule_statistics_of_all();
  if (!found) return problem(found.error());
  return answer(aggregates_json(list_aggregates(node_.plan(), *found)));
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
  const auto found = inspect(node_, wanted);
  if (!found) return problem(found.error());
  return answer(inspection_json(*found));
}

response api::dead_letters(const call& what) {
  dead_letter_filter filter;
  const auto source = what.address.one("source"), reason = what.address.one("reason"),
             partition = what.address.one("partition"), messages = what.address.one("messages");
  for (const auto* given : {&source, &reason, &partition, &messages}) {
    if (!*given) return problem(given->error());
  }
  filter.source = source->value_or("");
  filter.reason = reason->value_or("");
  filter.partition = partition->value_or("");
  if (*messages && **messages != "whole") {
    return problem(400, "invalid", "`messages` is `whole`, or not given");
  }
  filter.whole = messages->has_value();
  const auto at = count_of(what.address, "at"), limit = count_of(what.address, "limit");
  if (!at) return problem(at.error());
  if (!limit) return problem(limit.error());
  filter.at = *at;
  filter.limit = limit->value_or(filter.limit);
  const auto found = list_dead_letters(node_, filter);
  if (!found) return problem(found.error());
  return answer(letters_json(*found, filter.whole));
}

response api::checkpoint(const call&) {
  if (auto done = node_.checkpoint(); !done) return problem(done.error());
  return answer("{\"checkpoint\": \"done\"}\n");
}

}  // namespace windrow::server
