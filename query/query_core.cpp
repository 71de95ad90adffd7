#include "query/query_core.hpp"

#include <algorithm>
#include <charconv>

#include "schema/catalog/key.hpp"
#include "storage/shard/placement.hpp"

namespace windrow::query {

namespace {

using kind = schema::feature_reference::kind;

}  // namespace

struct query_core::row_state {
  answer_row row;
  std::vector<value> key_values;
  // Scalars read for local join keys, by plan scalar.
  std::map<int, std::optional<storage::record_pool::scalar_value>> local;
  // Slots of `row.features` that wait for a group in the second round.
  std::vector<std::size_t> groups;
  // What each request of the current round is for: slots of its windows.
  std::vector<std::vector<std::size_t>> window_slots;
  std::vector<int> asked_scalars;
};

std::string canonical_name(const schema::plan& plan, int entity_class,
                           const schema::feature_reference& f) {
  const auto& c = plan.classes[static_cast<std::size_t>(entity_class)];
  switch (f.what) {
    case kind::primary_key:
      return c.namespace_name + "." + c.primary_key;
    case kind::scalar:
      return plan.scalars[static_cast<std::size_t>(f.index)].fqn;
    case kind::window_value:
      return plan.window_values[static_cast<std::size_t>(f.index)].fqn;
  }
  return {};
}

query_core::query_core(const query_context& context, std::vector<subject> subjects, timestamp now)
    : context_(context), plan_(*context.plan), subjects_(std::move(subjects)), now_(now) {
  rows_.resize(subjects_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const subject& s = subjects_[i];
    const auto& c = plan_.classes[static_cast<std::size_t>(s.entity_class)];
    row_state& state = rows_[i];
    state.row.entity = c.name;
    const auto& space = plan_.key_spaces[static_cast<std::size_t>(c.key_space)];
    auto values = schema::decode_key(space.parts, s.key);
    if (values) state.key_values = std::move(*values);
    if (!state.key_values.empty()) state.row.key = state.key_values.front();
    state.row.features.resize(s.features.size());
    for (std::size_t k = 0; k < s.features.size(); ++k) {
      state.row.features[k].feature = canonical_name(plan_, s.entity_class, s.features[k]);
    }
  }
}

query_core::~query_core() = default;

void query_core::add(std::uint32_t shard, std::size_t row, storage::lookup_request request,
                     std::map<std::uint32_t, ask>& round) {
  ask& a = round[shard];
  a.shard = shard;
  if (!a.requests) a.requests = std::make_shared<std::vector<storage::lookup_request>>();
  request.now = now_.micros;
  a.requests->push_back(std::move(request));
  a.rows.push_back(row);
}

void query_core::ask_entity(std::size_t row, std::map<std::uint32_t, ask>& round) {
  const subject& s = subjects_[row];
  row_state& state = rows_[row];
  const auto& c = plan_.classes[static_cast<std::size_t>(s.entity_class)];
  storage::lookup_request request;
  request.key_space = c.key_space;
  request.key = s.key;
  const storage::placement place(plan_, c.key_space, context_.folder_seed);
  request.hash = place.hash(s.key);
  const auto want_scalar = [&](int scalar) {
    if (std::find(request.scalars.begin(), request.scalars.end(), scalar) ==
        request.scalars.end()) {
      request.scalars.push_back(scalar);
    }
  };
  for (std::size_t k = 0; k < s.features.size(); ++k) {
    const auto& f = s.features[k];
    if (f.what == kind::scalar) want_scalar(f.index);
    if (f.what != kind::window_value) continue;
    const auto& w = plan_.window_values[static_cast<std::size_t>(f.index)];
    const auto& rule = plan_.rules[static_cast<std::size_t>(w.rule)];
    if (plan_.tilings[static_cast<std::size_t>(rule.tiling)].key_space == c.key_space) {
      request.window_values.push_back(f.index);
      continue;
    }
    state.groups.push_back(k);
    for (const std::string& field :
         plan_.windowed_features[static_cast<std::size_t>(w.feature)].local_key) {
      for (const int scalar : c.scalars) {
        if (plan_.scalars[static_cast<std::size_t>(scalar)].fqn == c.namespace_name + "." + field)
          want_scalar(scalar);
      }
    }
  }
  state.asked_scalars = request.scalars;
  add(storage::placement::shard_of(request.hash, context_.shard_count), row, std::move(request),
      round);
}

result<std::string> query_core::group_key(const row_state& state,
                                          const schema::windowed_feature& feature,
                                          int key_space) const {
  const auto& c = plan_.classes[static_cast<std::size_t>(feature.entity_class)];
  std::vector<value> values;
  for (const std::string& field : feature.local_key) {
    if (field == c.primary_key) {
      values.push_back(state.row.key);
      continue;
    }
    const value* found = nullptr;
    for (const auto& [scalar, stored] : state.local) {
      if (plan_.scalars[static_cast<std::size_t>(scalar)].fqn == c.namespace_name + "." + field &&
          stored) {
        found = &stored->value;
      }
    }
    if (!found || found->is_null()) {
      return failure{errc::join_key_missing, "this " + c.name + " has no " + field +
                                                 " yet, which says which group the value is of"};
    }
    values.push_back(*found);
  }
  return schema::encode_key(plan_.key_spaces[static_cast<std::size_t>(key_space)].parts, values);
}

void query_core::ask_groups(std::size_t row, std::map<std::uint32_t, ask>& round) {
  row_state& state = rows_[row];
  for (const std::size_t slot : state.groups) {
    const int index = subjects_[row].features[slot].index;
    const auto& w = plan_.window_values[static_cast<std::size_t>(index)];
    const auto& rule = plan_.rules[static_cast<std::size_t>(w.rule)];
    const int key_space = plan_.tilings[static_cast<std::size_t>(rule.tiling)].key_space;
    const auto& feature = plan_.windowed_features[static_cast<std::size_t>(w.feature)];
    feature_answer& out = state.row.features[slot];
    auto key = group_key(state, feature, key_space);
    if (!key) {
      out.value = key.error();
      continue;
    }
    const storage::placement place(plan_, key_space, context_.folder_seed);
    auto values =
        schema::decode_key(plan_.key_spaces[static_cast<std::size_t>(key_space)].parts, *key);
    auto shard = values ? place.shard_of(*values, context_.shard_count)
                        : result<std::uint32_t>(values.error());
    if (!shard) {
      out.value = shard.error();
      continue;
    }
    storage::lookup_request request;
    request.key_space = key_space;
    request.key = *key;
    request.hash = place.hash(request.key);
    request.window_values = {index};
    add(*shard, row, std::move(request), round);
  }
}

std::vector<query_core::ask> query_core::next_round() {
  std::map<std::uint32_t, ask> round;
  ++round_;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (round_ == 1) ask_entity(row, round);
    if (round_ == 2) ask_groups(row, round);
  }
  std::vector<ask> asks;
  for (auto& [shard, a] : round) asks.push_back(std::move(a));
  return asks;
}

void query_core::take_scalar(row_state& state, std::size_t slot, const schema::scalar& scalar,
                             const std::optional<storage::record_pool::scalar_value>& stored) {
  feature_answer& out = state.row.features[slot];
  out.value = value{null{}};
  if (!stored) return;
  out.at = timestamp{stored->time};
  const std::int64_t age = now_.micros - stored->time;
  if (age > scalar.max_staleness)
    out.age = std::chrono::microseconds(age);
  else
    out.value = stored->value;
}

void query_core::take_windows(row_state& state, const storage::lookup_request& request,
                              const storage::lookup_answer& answer) {
  const auto& features = subjects_[static_cast<std::size_t>(&state - rows_.data())].features;
  for (std::size_t i = 0; i < request.window_values.size(); ++i) {
    for (std::size_t slot = 0; slot < features.size(); ++slot) {
      if (features[slot].what != kind::window_value ||
          features[slot].index != request.window_values[i])
        continue;
      feature_answer& out = state.row.features[slot];
      const storage::window_answer& w = answer.windows[i];
      out.value = w.value;
      out.from = timestamp{w.from};
      out.to = timestamp{w.to};
      out.events = w.events;
    }
  }
}

void query_core::answered(const ask& asked, const answers& got) {
  for (std::size_t i = 0; i < asked.rows.size(); ++i) {
    row_state& state = rows_[asked.rows[i]];
    const storage::lookup_request& request = (*asked.requests)[i];
    const subject& s = subjects_[asked.rows[i]];
    if (!got[i]) {
      ask one{asked.shard,
              std::make_shared<std::vector<storage::lookup_request>>(1, request),
              {asked.rows[i]}};
      unanswered(one, got[i].error());
      continue;
    }
    const storage::lookup_answer& answer = *got[i];
    for (std::size_t k = 0; k < request.scalars.size(); ++k) {
      state.local[request.scalars[k]] = answer.scalars[k];
      for (std::size_t slot = 0; slot < s.features.size(); ++slot) {
        if (s.features[slot].what == kind::scalar && s.features[slot].index == request.scalars[k]) {
          take_scalar(state, slot, plan_.scalars[static_cast<std::size_t>(request.scalars[k])],
                      answer.scalars[k]);
        }
      }
    }
    take_windows(state, request, answer);
    // A row that reads several records is as far as the one that is furthest behind.
    for (const auto& [partition, at] : answer.position) {
      auto [name, readable] = context_.position(partition, at);
      auto [mine, fresh] = state.row.position.emplace(std::move(name), readable);
      if (!fresh) mine->second = std::min(mine->second, readable);
    }
  }
}

void query_core::unanswered(const ask& asked, const failure& why) {
  for (std::size_t i = 0; i < asked.rows.size(); ++i) {
    row_state& state = rows_[asked.rows[i]];
    const auto& features = subjects_[asked.rows[i]].features;
    const auto& request = (*asked.requests)[i];
    for (std::size_t slot = 0; slot < features.size(); ++slot) {
      const auto& list =
          features[slot].what == kind::scalar ? request.scalars : request.window_values;
      if (features[slot].what != kind::primary_key &&
          std::find(list.begin(), list.end(), features[slot].index) != list.end()) {
        state.row.features[slot].value = why;
      }
    }
  }
}

query_answer query_core::finish() {
  query_answer answer;
  answer.now = now_;
  answer.catalog_version = plan_.catalog_version;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    row_state& state = rows_[i];
    for (std::size_t slot = 0; slot < subjects_[i].features.size(); ++slot) {
      if (subjects_[i].features[slot].what == kind::primary_key) {
        state.row.features[slot].value = state.row.key;
      }
    }
    for (feature_answer& f : subjects_[i].unknown) state.row.features.push_back(std::move(f));
    answer.rows.push_back(std::move(state.row));
  }
  return answer;
}

result<std::unique_ptr<parsed_query>> parse_query(const schema::plan& plan,
                                                  const query_request& request) {
  auto parsed = std::make_unique<parsed_query>();
  if (request.entities.empty())
    return failure{errc::invalid, "the query names no entity; give at least one, such as User=u1"};
  if (request.features.empty())
    return failure{errc::invalid, "the query names no feature; give at least one"};
  std::vector<std::vector<feature_answer>> unknown;
  std::vector<int> class_of;
  for (const entity_reference& e : request.entities) {
    auto c = schema::resolve_class(plan, e.entity_class);
    if (!c) return c.error();
    class_of.push_back(*c);
    if (std::find(parsed->classes.begin(), parsed->classes.end(), *c) == parsed->classes.end())
      parsed->classes.push_back(*c);
  }
  parsed->features.resize(parsed->classes.size());
  unknown.resize(parsed->classes.size());
  for (const std::string& name : request.features) {
    std::optional<failure> why;
    std::vector<std::size_t> without;
    for (std::size_t i = 0; i < parsed->classes.size(); ++i) {
      auto found = schema::resolve_feature(plan, parsed->classes[i], name);
      if (!found) {
        if (!why) why = found.error();
        without.push_back(i);
        continue;
      }
      auto& list = parsed->features[i];
      for (const auto& f : *found) {
        const bool twice = std::any_of(list.begin(), list.end(), [&](const auto& x) {
          return x.what == f.what && x.index == f.index;
        });
        if (!twice) list.push_back(f);
      }
    }
    if (without.size() == parsed->classes.size()) return *why;
    // A name that says its class was asked of that class alone.
    const auto dot = name.find('.');
    if (dot != std::string::npos && dot < name.find('[')) continue;
    for (const std::size_t i : without) {
      feature_answer a;
      a.feature = name;
      a.value =
          failure{errc::not_found, plan.classes[static_cast<std::size_t>(parsed->classes[i])].name +
                                       " has no feature " + name};
      unknown[i].push_back(std::move(a));
    }
  }
  for (std::size_t r = 0; r < request.entities.size(); ++r) {
    const auto& c = plan.classes[static_cast<std::size_t>(class_of[r])];
    const auto& space = plan.key_spaces[static_cast<std::size_t>(c.key_space)];
    auto values = schema::parse_key(space.parts, request.entities[r].key);
    if (!values) {
      return failure{values.error().code, "the entity " + c.name + "=" + request.entities[r].key +
                                              ": " + values.error().message};
    }
    auto key = schema::encode_key(space.parts, *values);
    if (!key) return key.error();
    const auto at = static_cast<std::size_t>(
        std::find(parsed->classes.begin(), parsed->classes.end(), class_of[r]) -
        parsed->classes.begin());
    query_core::subject s;
    s.entity_class = class_of[r];
    s.key = std::move(*key);
    s.features = parsed->features[at];
    s.unknown = unknown[at];
    parsed->subjects.push_back(std::move(s));
  }
  return parsed;
}

}  // namespace windrow::query
