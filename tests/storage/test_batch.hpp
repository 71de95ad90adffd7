#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tests/storage/test_plan.hpp"

namespace windrow::storage::testing {

inline constexpr std::uint64_t folder_seed = 42;

inline key_hash hash_of(const schema::plan& p, int space, std::string_view key) {
  return hash_key(key, folder_seed, p.key_spaces[static_cast<std::size_t>(space)].id);
}

inline bool column_true(const event& e, int column) {
  return column == schema::none || (column == column_f ? e.f : e.g);
}

/// Cuts messages into batches as ingest does: it knows the newest event time of every watermark
/// group and says of each row what it was before the row.
class sender {
public:
  explicit sender(schema::plan_ptr plan)
      : plan_(std::move(plan)), max_event_times_(plan_->watermark_groups.size(), no_time) {}

  void start_at(std::vector<std::int64_t> max_event_times) {
    max_event_times_ = std::move(max_event_times);
  }

  /// A batch of the messages (all of one partition, in order) that ends at `last`.
  batch_ptr cut(std::span<const event> events, partition_id partition, sequence first,
                sequence last) {
    auto out = std::make_shared<batch>();
    out->partition = partition;
    out->first = first;
    out->last = last;
    out->catalog_version = plan_->catalog_version;
    std::vector<section> sections(plan_->routes.size());
    for (std::size_t i = 0; i < sections.size(); ++i) {
      sections[i].route = static_cast<int>(i);
      for (int c = 0; c < event_columns; ++c) {
        batch_column column;
        column.kind = type_of(c).kind;
        sections[i].columns.push_back(std::move(column));
      }
    }
    for (const event& e : events) {
      const std::vector<std::int64_t> before = max_event_times_;
      for (std::size_t i = 0; i < sections.size(); ++i) {
        const schema::route& route = plan_->routes[i];
        if (route.stream != e.stream || !e.keys[static_cast<std::size_t>(route.key_space)])
          continue;
        add(sections[i], route, e, first);
        for (const auto& feed : route.watermark_groups) {
          const auto watermark_group = static_cast<std::size_t>(feed.watermark_group);
          sections[i].max_event_time_before.push_back(before[watermark_group]);
          if (column_true(e, feed.filter))
            max_event_times_[watermark_group] = std::max(max_event_times_[watermark_group], e.time);
        }
        ++out->rows;
      }
    }
    for (section& s : sections) {
      if (s.rows() == 0) continue;
      if (!may_be_late(s)) s.max_event_time_before.clear();
      out->sections.push_back(std::move(s));
    }
    out->max_event_times = max_event_times_;
    return out;
  }

private:
  void add(section& s, const schema::route& route, const event& e, sequence first) const {
    const std::string& key = *e.keys[static_cast<std::size_t>(route.key_space)];
    s.hashes.push_back(hash_of(*plan_, route.key_space, key));
    s.keys += key;
    s.key_ends.push_back(static_cast<std::uint32_t>(s.keys.size()));
    s.times.push_back(e.time);
    s.sequences.push_back(static_cast<std::uint32_t>(e.at - first));
    s.columns[column_a].ints.push_back(e.a.value_or(7));
    s.columns[column_a].valid.push_back(e.a ? 1 : 0);
    s.columns[column_b].ints.push_back(e.b);
    s.columns[column_c].floats.push_back(e.c.value_or(0.5));
    s.columns[column_c].valid.push_back(e.c ? 1 : 0);
    s.columns[column_t].text += e.t;
    s.columns[column_t].text_ends.push_back(
        static_cast<std::uint32_t>(s.columns[column_t].text.size()));
    s.columns[column_f].bools.push_back(e.f);
    s.columns[column_g].bools.push_back(e.g);
    s.columns[column_h].bools.push_back(e.h.value_or(true));
    s.columns[column_h].valid.push_back(e.h ? 1 : 0);
  }
  bool may_be_late(const section& s) const {
    const schema::route& route = plan_->routes[static_cast<std::size_t>(s.route)];
    for (std::size_t row = 0; row < s.rows(); ++row) {
      for (std::size_t i = 0; i < route.watermark_groups.size(); ++i) {
        const std::int64_t max_event_time =
            s.max_event_time_before[row * route.watermark_groups.size() + i];
        for (const schema::rule& r : plan_->rules) {
          const auto& t = plan_->tilings[static_cast<std::size_t>(r.tiling)];
          if (t.watermark_group != route.watermark_groups[i].watermark_group ||
              max_event_time == no_time)
            continue;
          if (s.times[row] <= max_event_time - r.retention) return true;
        }
      }
    }
    return false;
  }

  schema::plan_ptr plan_;
  std::vector<std::int64_t> max_event_times_;
};

}  // namespace windrow::storage::testing
