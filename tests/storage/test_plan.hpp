#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "schema/aggregation/description.hpp"
#include "schema/catalog/definition_id.hpp"
#include "schema/plan/plan.hpp"
#include "storage/batch.hpp"

/// Plans and batches of a made-up event, put together by hand so that tests of the shard need no
/// declarations and no ingest.
namespace windrow::storage::testing {

/// One message. Every route carries all columns, in this order.
struct event {
  partition_id partition = 1;
  sequence at = 0;
  std::int64_t time = 0;
  int stream = 0;
  std::vector<std::optional<std::string>> keys;  ///< one a key space; none: no row there
  std::optional<std::int64_t> a;
  std::int64_t b = 0;
  std::optional<double> c;
  std::string t;
  bool f = true;
  bool g = true;
  std::optional<bool> h;
};
enum event_column : int { column_a, column_b, column_c, column_t, column_f, column_g, column_h };
inline constexpr int event_columns = 7;

inline schema::value_type type_of(int column) {
  using schema::value_kind;
  switch (column) {
    case column_a:
      return {value_kind::integer, true, nullptr};
    case column_b:
      return {value_kind::integer, false, nullptr};
    case column_c:
      return {value_kind::floating, true, nullptr};
    case column_t:
      return {value_kind::text, false, nullptr};
    case column_h:
      return {value_kind::boolean, true, nullptr};
    default:
      return {value_kind::boolean, false, nullptr};
  }
}

/// Builds a plan piece by piece; what a call returns is the index in the plan.
class plan_maker {
public:
  explicit plan_maker(int spaces = 1, int streams = 1) : streams_(streams) {
    for (int i = 0; i < spaces; ++i) {
      schema::key_space space;
      space.id = 1000 + static_cast<std::uint64_t>(i);
      space.name = "space " + std::to_string(i);
      plan_.key_spaces.push_back(std::move(space));
    }
  }

  /// A watermark group of rows whose `filter` column is true; fed by all streams but `except`.
  int watermark_group(int space = 0, int filter = schema::none, int except = schema::none) {
    plan_.watermark_groups.push_back({100 + plan_.watermark_groups.size(), space, "Event", ""});
    filters_.push_back(filter);
    except_.push_back(except);
    return static_cast<int>(plan_.watermark_groups.size()) - 1;
  }
  int tiling(int watermark_group, std::int64_t duration, std::int64_t origin = 0) {
    schema::tiling t;
    t.watermark_group = watermark_group;
    t.key_space = plan_.watermark_groups[static_cast<std::size_t>(watermark_group)].key_space;
    t.duration = duration;
    t.origin = origin;
    plan_.tilings.push_back(std::move(t));
    used_.emplace_back();
    return static_cast<int>(plan_.tilings.size()) - 1;
  }
  /// A feature with one rule; gives the index of its first window value. Retention: the longest
  /// window and one bucket, and `more`.
  int feature(int tiling, schema::aggregation function, int column,
              std::vector<std::int64_t> windows, std::int64_t more = 0,
              std::optional<windrow::value> default_value = std::nullopt) {
    schema::tiling& t = plan_.tilings[static_cast<std::size_t>(tiling)];
    schema::windowed_feature f;
    f.fqn = f.name = "feature" + std::to_string(plan_.windowed_features.size());
    f.function = function;
    f.type = schema::describe(function).result_type(type_of(column));
    f.default_value = std::move(default_value);
    schema::rule r;
    r.id = 500 + plan_.rules.size();
    r.tiling = tiling;
    r.function = function;
    r.retention = *std::max_element(windows.begin(), windows.end()) + t.duration + more;
    t.retention = std::max(t.retention, r.retention);
    const int first = static_cast<int>(plan_.window_values.size());
    for (const std::int64_t w : windows) {
      const int index = static_cast<int>(plan_.window_values.size());
      f.window_values.push_back(index), r.window_values.push_back(index);
      plan_.window_values.push_back({f.fqn, static_cast<int>(plan_.windowed_features.size()), w,
                                     static_cast<int>(plan_.rules.size()), false});
    }
    const schema::needed_partials needed = partials_of(function, column);
    columns_.push_back(needed.value ? column : schema::none);
    auto& used = used_[static_cast<std::size_t>(tiling)];
    if (needed.value) used.insert({column, needed.value->kind});
    if (needed.non_null) used.insert({column, schema::partial_kind::non_null});
    plan_.rules.push_back(std::move(r));
    plan_.windowed_features.push_back(std::move(f));
    return first;
  }
  /// A scalar of a key space, written by every row of stream 0.
  int scalar(int column, int space = 0) {
    schema::scalar s;
    s.id = 900 + plan_.scalars.size();
    s.type = type_of(column);
    s.key_space = space;
    plan_.scalars.push_back(std::move(s));
    plan_.key_spaces[static_cast<std::size_t>(space)].scalars.push_back(
        static_cast<int>(plan_.scalars.size()) - 1);
    scalar_columns_.push_back(column);
    return static_cast<int>(plan_.scalars.size()) - 1;
  }

  bool feeds(int stream, int watermark_group) const {
    return except_[static_cast<std::size_t>(watermark_group)] != stream;
  }
  /// The column that decides whether a row counts, or none.
  int filter(int watermark_group) const {
    return filters_[static_cast<std::size_t>(watermark_group)];
  }
  /// The argument of a rule, or none.
  int argument(int rule) const { return columns_[static_cast<std::size_t>(rule)]; }
  int scalar_column(int scalar) const { return scalar_columns_[static_cast<std::size_t>(scalar)]; }
  /// What there is so far, for ids of a test's own.
  schema::plan& draft() noexcept { return plan_; }

  schema::plan_ptr make() {
    for (std::size_t i = 0; i < plan_.tilings.size(); ++i) {
      identify(i);
      lay_out(i);
    }
    for (schema::key_space& space : plan_.key_spaces) {
      std::stable_sort(space.tilings.begin(), space.tilings.end(), [&](int x, int y) {
        return plan_.tilings[static_cast<std::size_t>(x)].duration >
               plan_.tilings[static_cast<std::size_t>(y)].duration;
      });
    }
    for (int stream = 0; stream < streams_; ++stream) add_routes(stream);
    return std::make_shared<const schema::plan>(std::move(plan_));
  }

private:
  static schema::needed_partials partials_of(schema::aggregation function, int column) {
    return schema::describe(function).partials(type_of(column), {});
  }
  // By definition; one that a test declares twice counts as another.
  void identify(std::size_t index) {
    schema::tiling& t = plan_.tilings[index];
    std::int64_t twin = 0;
    for (std::size_t i = 0; i < index; ++i) {
      const schema::tiling& other = plan_.tilings[i];
      twin += std::tie(t.watermark_group, t.duration, t.origin) ==
              std::tie(other.watermark_group, other.duration, other.origin);
    }
    t.id = schema::definition_hash("tiling")
               .add_id(plan_.watermark_groups[static_cast<std::size_t>(t.watermark_group)].id)
               .add(t.duration)
               .add(t.origin)
               .add(twin)
               .finish();
  }
  void lay_out(std::size_t index) {
    schema::tiling& t = plan_.tilings[index];
    plan_.key_spaces[static_cast<std::size_t>(t.key_space)].tilings.push_back(
        static_cast<int>(index));
    std::vector<int> arguments;  // of columns
    for (const auto& [column, kind] : used_[index]) {
      if (arguments.empty() || arguments.back() != column) {
        arguments.push_back(column);
        t.arguments.push_back(std::to_string(column));
        t.argument_types.push_back(type_of(column));
      }
      t.partials.push_back({kind, static_cast<int>(arguments.size()) - 1});
    }
    const auto partial_at = [&](int column, schema::partial_kind kind) {
      for (std::size_t i = 0; i < t.partials.size(); ++i) {
        const bool same = arguments[static_cast<std::size_t>(t.partials[i].argument)] == column;
        if (same && t.partials[i].kind == kind) return static_cast<int>(i);
      }
      return schema::none;
    };
    for (std::size_t i = 0; i < plan_.rules.size(); ++i) {
      schema::rule& r = plan_.rules[i];
      if (r.tiling != static_cast<int>(index) || columns_[i] == schema::none) continue;
      r.value_partial = partial_at(columns_[i], partials_of(r.function, columns_[i]).value->kind);
      r.non_null_partial = partial_at(columns_[i], schema::partial_kind::non_null);
    }
    arguments_.push_back(std::move(arguments));
  }
  void add_routes(int stream) {
    for (std::size_t space = 0; space < plan_.key_spaces.size(); ++space) {
      schema::route r;
      r.stream = stream;
      r.key_space = static_cast<int>(space);
      for (int c = 0; c < event_columns; ++c) r.columns.push_back(c);
      for (std::size_t i = 0; stream == 0 && i < plan_.scalars.size(); ++i) {
        if (plan_.scalars[i].key_space == r.key_space)
          r.scalars.push_back({static_cast<int>(i), scalar_columns_[i]});
      }
      for (std::size_t i = 0; i < plan_.watermark_groups.size(); ++i) {
        if (plan_.watermark_groups[i].key_space != r.key_space ||
            !feeds(stream, static_cast<int>(i)))
          continue;
        r.watermark_groups.push_back({static_cast<int>(i), filters_[i]});
        for (std::size_t k = 0; k < plan_.tilings.size(); ++k) {
          if (plan_.tilings[k].watermark_group != static_cast<int>(i)) continue;
          r.tilings.push_back({static_cast<int>(k), filters_[i], arguments_[k]});
        }
      }
      plan_.routes.push_back(std::move(r));
    }
  }

  schema::plan plan_;
  int streams_;
  std::vector<int> filters_, except_;  // by watermark group
  std::vector<int> columns_;           // by rule
  std::vector<int> scalar_columns_;
  std::vector<std::set<std::pair<int, schema::partial_kind>>> used_;  // by tiling
  std::vector<std::vector<int>> arguments_;                           // by tiling
};

}  // namespace windrow::storage::testing
