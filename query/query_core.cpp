#include "query/query_core.hpp"

#include <algorithm>
#include <utility>

namespace windrow::query {
namespace {

using place = shard_request::place;
using stored_scalar = decltype(storage::lookup_answer::scalars)::value_type;

void add(std::uint32_t shard, place of, storage::lookup_request request,
         std::map<std::uint32_t, shard_request>& stage) {
  shard_request& r = stage[shard];
  r.shard = shard;
  if (!r.requests) r.requests = std::make_shared<std::vector<storage::lookup_request>>();
  r.requests->push_back(std::move(request));
  r.places.push_back(of);
}

const class_query::windows& windows_of(const class_query& asked, const place& of) {
  return of.group == place::own ? asked.own : asked.groups[of.group].read;
}

}  // namespace

struct query_core::row_state {
  answer_row row;
  // One per `class_query::scalars`, where groups need them; else empty.
  std::vector<stored_scalar> scalars;
  // Why nothing is known of the entity's own record.
  std::optional<failure> failed;
};

query_core::query_core(const query_context& context, resolved_query query)
    : context_(context), query_(std::move(query)) {
  rows_.resize(query_.rows.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const query_row& asked = query_.rows[i];
    const class_query& of = *asked.asked;
    answer_row& row = rows_[i].row;
    row.entity = query_.plan->classes[static_cast<std::size_t>(of.entity_class)].name;
    row.key = asked.key.values.front();
    row.now = asked.now;
    row.features.resize(of.names.size());
    for (std::size_t slot = 0; slot < of.names.size(); ++slot) {
      row.features[slot].feature = of.names[slot];
    }
    for (const std::size_t slot : of.key_slots) row.features[slot].value = row.key;
  }
}

query_core::~query_core() = default;

void query_core::request_entity(std::size_t row, requests_by_shard& stage) {
  query_row& asked = query_.rows[row];
  const class_query& of = *asked.asked;
  storage::lookup_request request;
  request.key_space = query_.plan->classes[static_cast<std::size_t>(of.entity_class)].key_space;
  request.key = std::move(asked.key.bytes);
  request.hash = asked.key.hash;
  request.scalars = of.scalars;
  request.window_values = of.own.values;
  request.now = now_of(asked).micros;
  add(asked.key.shard, {row}, std::move(request), stage);
}

result<storage::resolved_key> query_core::group_key(const row_state& state, const query_row& row,
                                                    const class_query::group& group) const {
  std::vector<value> values;
  values.reserve(group.key.size());
  for (std::size_t part = 0; part < group.key.size(); ++part) {
    if (group.key[part] == class_query::primary_key) {
      values.push_back(row.key.values.front());
      continue;
    }
    const stored_scalar& stored = state.scalars[group.key[part]];
    if (!stored || stored->value.is_null()) {
      const auto& feature = query_.plan->windowed_features[static_cast<std::size_t>(group.feature)];
      return failure{errc::join_key_missing,
                     "this " + state.row.entity + " has no " +
                         std::string(schema::local_field(*query_.plan, feature, part)) +
                         " yet, which says which group the value is of"};
    }
    values.push_back(stored->value);
  }
  return storage::placement(*query_.plan, group.key_space, context_.folder_seed)
      .resolve(std::move(values), context_.shard_count);
}

void query_core::request_groups(std::size_t row, requests_by_shard& stage) {
  const query_row& asked = query_.rows[row];
  const row_state& state = rows_[row];
  for (std::size_t g = 0; g < asked.asked->groups.size(); ++g) {
    const class_query::group& group = asked.asked->groups[g];
    auto key = state.failed ? result<storage::resolved_key>(*state.failed)
                            : group_key(state, asked, group);
    if (!key) {
      fail({row, g}, key.error());
      continue;
    }
    storage::lookup_request request;
    request.key_space = group.key_space;
    request.key = std::move(key->bytes);
    request.hash = key->hash;
    request.window_values = group.read.values;
    request.now = now_of(asked).micros;
    add(key->shard, {row, g}, std::move(request), stage);
  }
}

std::vector<shard_request> query_core::next_stage() {
  requests_by_shard stage;
  ++stages_;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (stages_ == 1) request_entity(row, stage);
    if (stages_ == 2) request_groups(row, stage);
  }
  std::vector<shard_request> requests;
  requests.reserve(stage.size());
  for (auto& [shard, r] : stage) requests.push_back(std::move(r));
  return requests;
}

void query_core::take_scalars(const place& of, const storage::lookup_answer& answer) {
  const query_row& asked = query_.rows[of.row];
  row_state& state = rows_[of.row];
  for (const class_query::scalar_slot& wanted : asked.asked->scalar_slots) {
    feature_answer& out = state.row.features[wanted.slot];
    out.value = value{null{}};
    const stored_scalar& stored = answer.scalars[wanted.scalar];
    if (!stored) continue;
    out.at = timestamp{stored->time};
    const int index = asked.asked->scalars[wanted.scalar];
    const std::int64_t age = now_of(asked).micros - stored->time;
    if (age > query_.plan->scalars[static_cast<std::size_t>(index)].max_staleness)
      out.age = std::chrono::microseconds(age);
    else
      out.value = stored->value;
  }
  if (!asked.asked->groups.empty()) state.scalars = answer.scalars;
}

void query_core::take(const place& of, const storage::lookup_answer& answer) {
  answer_row& row = rows_[of.row].row;
  const class_query::windows& windows = windows_of(*query_.rows[of.row].asked, of);
  for (std::size_t i = 0; i < windows.slots.size(); ++i) {
    feature_answer& out = row.features[windows.slots[i]];
    const storage::window_answer& w = answer.windows[i];
    out.value = w.value;
    out.from = timestamp{w.from};
    out.to = timestamp{w.to};
    out.events = w.events;
  }
  if (of.group == place::own) take_scalars(of, answer);
  // A row that reads several records is as far as the one that is furthest behind.
  for (const auto& [partition, at] : answer.position) {
    auto [name, readable] = context_.position(partition, at);
    const auto [mine, fresh] = row.position.emplace(std::move(name), readable);
    if (!fresh) mine->second = std::min(mine->second, readable);
  }
}

void query_core::fail(const place& of, const failure& why) {
  const class_query& asked = *query_.rows[of.row].asked;
  row_state& state = rows_[of.row];
  for (const std::size_t slot : windows_of(asked, of).slots) state.row.features[slot].value = why;
  if (of.group != place::own) return;
  state.failed = why;
  for (const auto& wanted : asked.scalar_slots) state.row.features[wanted.slot].value = why;
}

void query_core::answered(const shard_request& request, const answers& got) {
  for (std::size_t i = 0; i < request.places.size(); ++i) {
    if (got[i])
      take(request.places[i], *got[i]);
    else
      fail(request.places[i], got[i].error());
  }
}

void query_core::unanswered(const shard_request& request, const failure& why) {
  for (const place& of : request.places) fail(of, why);
}

query_answer query_core::finish() {
  query_answer answer;
  answer.now = query_.now;
  answer.catalog_version = query_.plan->catalog_version;
  answer.rows.reserve(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    answer_row& row = rows_[i].row;
    const auto& unknown = query_.rows[i].asked->unknown;
    row.features.insert(row.features.end(), unknown.begin(), unknown.end());
    answer.rows.push_back(std::move(row));
  }
  return answer;
}

}  // namespace windrow::query
