#include <algorithm>
#include <bit>
#include <tuple>

#include "schema/catalog/definition_id.hpp"
#include "schema/plan/planner.hpp"

namespace windrow::schema {
namespace {

void add_optional(definition_hash& hash, const std::optional<std::int64_t>& number) {
  hash.add(std::int64_t{number.has_value()}).add(number.value_or(0));
}

void add_value(definition_hash& hash, const std::optional<windrow::value>& value) {
  hash.add(static_cast<std::int64_t>(value ? value->index() : 0));
  if (!value) return;
  if (const auto* whole = std::get_if<std::int64_t>(&*value)) hash.add(*whole);
  if (const auto* number = std::get_if<double>(&*value)) {
    hash.add(std::bit_cast<std::int64_t>(*number));
  }
}

void add_class(definition_hash& hash, const class_declaration& c) {
  hash.add("class").add(c.name).add(c.max_staleness);
  hash.add(std::int64_t{c.etl_offline_to_online});
  for (const field_declaration& f : c.fields) {
    hash.add("field").add(f.name).add(to_string(f.type)).add(std::int64_t{f.is_feature_time});
    add_optional(hash, f.max_staleness);
    add_optional(hash, f.etl_offline_to_online
                           ? std::optional<std::int64_t>(*f.etl_offline_to_online)
                           : std::nullopt);
    hash.add(f.references);
  }
  for (const relation_declaration& r : c.relations) {
    hash.add("relation").add(r.name).add(r.child_class);
    for (const join_pair& pair : r.join) hash.add(pair.local_field).add(pair.child_field);
  }
  for (const windowed_declaration& w : c.windowed) {
    hash.add("windowed").add(w.name).add(w.expression);
    add_optional(hash, w.retention);
    add_value(hash, w.default_value);
    for (const window_declaration& window : w.windows) {
      hash.add("window").add(window.window).add(window.bucket_duration).add(window.bucket_origin);
    }
  }
}

template <class T>
void sort_by_name(std::vector<T>& things) {
  std::stable_sort(things.begin(), things.end(),
                   [](const T& a, const T& b) { return a.name < b.name; });
}

}  // namespace

catalog in_name_order(catalog declarations) {
  sort_by_name(declarations.classes);
  sort_by_name(declarations.sources);
  sort_by_name(declarations.streams);
  for (class_declaration& c : declarations.classes) {
    sort_by_name(c.fields);
    sort_by_name(c.relations);
    sort_by_name(c.windowed);
    for (relation_declaration& r : c.relations) {
      std::sort(r.join.begin(), r.join.end(), [](const join_pair& a, const join_pair& b) {
        return std::tie(a.child_field, a.local_field) < std::tie(b.child_field, b.local_field);
      });
    }
    for (windowed_declaration& w : c.windowed) {
      std::sort(w.windows.begin(), w.windows.end(),
                [](const auto& a, const auto& b) { return a.window < b.window; });
    }
  }
  for (stream_declaration& s : declarations.streams) {
    std::sort(s.output.begin(), s.output.end());
  }
  return declarations;
}

std::uint64_t digest_of(const catalog& declarations) {
  const catalog sorted = in_name_order(declarations);
  definition_hash hash("catalog");
  for (const class_declaration& c : sorted.classes) add_class(hash, c);
  for (const source_declaration& s : sorted.sources) hash.add("source").add(s.name);
  for (const stream_declaration& s : sorted.streams) {
    hash.add("stream").add(s.name).add(s.source).add(s.parse);
    hash.add(std::int64_t{s.updates_materialized_aggregations});
    auto message = s.message;
    std::sort(message.begin(), message.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [name, type] : message) hash.add("message").add(name).add(to_string(type));
    for (const auto& [name, text] : s.output) hash.add("output").add(name).add(text);
    if (s.deduplication) {
      hash.add("deduplication").add(s.deduplication->on).add(s.deduplication->within);
    }
  }
  return hash.finish();
}

}  // namespace windrow::schema
