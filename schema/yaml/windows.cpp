#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "base/suggest.hpp"
#include "schema/plan/plan.hpp"
#include "schema/yaml/context.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {
namespace {

/// One length or origin given for some windows, with where it was given.
struct placed {
  std::int64_t micros = 0;
  source_position at;
};

/// The `materialization` of one field, before it is spread over the windows.
struct buckets {
  bool same_as_window = false;
  std::optional<placed> duration;
  std::map<std::int64_t, placed> durations;  ///< by window
  std::optional<std::int64_t> origin;
  std::map<std::int64_t, std::int64_t> origins;  ///< by window
  source_position at;
  bool good = true;
};

std::optional<std::int64_t> read_origin(const YAML::Node& node, source_position at,
                                        diagnostics& out) {
  const auto text = read_text(node, at, "a time such as `2024-01-01T00:00:00Z`", out);
  if (!text) return std::nullopt;
  const result<timestamp> time = parse_time(*text);
  if (!time) {
    out.error(text_position(node, at), time.error().message);
    return std::nullopt;
  }
  return time->micros;
}

std::vector<window_declaration> read_windows(const yaml_entry& entry, const declared_path& path,
                                             yaml_context& context, bool& good) {
  std::vector<window_declaration> windows;
  for (const yaml_item& item : items_of(entry)) {
    const auto micros = read_duration(item.value, item.at, 1, context.out);
    if (!micros) {
      good = false;
      continue;
    }
    if (*micros % micros_per_second != 0) {
      context.out.error(item.at, "a window is a whole number of seconds, not " +
                                     ticked(item.value.Scalar()) + "; write such as `1s`");
      good = false;
      continue;
    }
    const bool seen = std::any_of(windows.begin(), windows.end(),
                                  [&](const auto& w) { return w.window == *micros; });
    if (seen) {
      context.out.error(item.at, "the window " + ticked(item.value.Scalar()) + " is given twice");
      good = false;
      continue;
    }
    window_declaration window;
    window.window = *micros;
    window.all = *micros >= duration_all;
    windows.push_back(window);
    context.place(path + "/windowed/" + std::to_string(*micros), item.at);
  }
  if (windows.empty() && good) {
    context.out.error(entry.at, "`windowed` lists no window; write such as `windowed: [10m, 1h]`");
    good = false;
  }
  return windows;
}

/// The windows listed under one bucket length or origin.
std::vector<placed> listed_windows(const yaml_entry& entry,
                                   const std::vector<window_declaration>& windows,
                                   yaml_context& context, bool& good) {
  std::vector<placed> out;
  for (const yaml_item& item : items_of(entry)) {
    const auto micros = read_duration(item.value, item.at, 1, context.out);
    if (!micros) {
      good = false;
      continue;
    }
    const bool known = std::any_of(windows.begin(), windows.end(),
                                   [&](const auto& w) { return w.window == *micros; });
    if (known) {
      out.push_back({*micros, item.at});
      continue;
    }
    std::vector<std::string> names;
    for (const auto& w : windows) names.push_back(format_duration(w.window));
    context.out.error(item.at, ticked(item.value.Scalar()) + " is not one of the windows; " +
                                   did_you_mean(format_duration(*micros), names));
    good = false;
  }
  return out;
}

void read_bucket_durations(const yaml_entry& entry, const std::vector<window_declaration>& windows,
                           buckets& out, yaml_context& context) {
  const auto entries =
      entries_of(entry.value, entry.at, "`bucket_durations` (`{ 1h: [30d] }`)", context.out);
  if (!entries) {
    out.good = false;
    return;
  }
  for (const yaml_entry& bucket : *entries) {
    const auto micros = read_duration(YAML::Node(bucket.key), bucket.key_at, 1, context.out);
    if (!micros) {
      out.good = false;
      continue;
    }
    for (const placed& window : listed_windows(bucket, windows, context, out.good)) {
      const auto [at, fresh] =
          out.durations.try_emplace(window.micros, placed{*micros, bucket.key_at});
      if (fresh) continue;
      context.out.error(window.at, "the window " + format_duration(window.micros) +
                                       " is given two bucket lengths, " +
                                       format_duration(at->second.micros) + " and " +
                                       format_duration(*micros) + "; keep one");
      out.good = false;
    }
  }
}

void read_bucket_starts(const yaml_entry& entry, const std::vector<window_declaration>& windows,
                        buckets& out, yaml_context& context) {
  const std::string what = "`bucket_starts` (`{ \"2024-01-01T00:00:00Z\": [30d] }`)";
  const auto entries = entries_of(entry.value, entry.at, what, context.out);
  if (!entries) {
    out.good = false;
    return;
  }
  for (const yaml_entry& start : *entries) {
    const auto origin = read_origin(YAML::Node(start.key), start.key_at, context.out);
    if (!origin) {
      out.good = false;
      continue;
    }
    for (const placed& window : listed_windows(start, windows, context, out.good)) {
      if (out.origins.try_emplace(window.micros, *origin).second) continue;
      context.out.error(window.at, "the window " + format_duration(window.micros) +
                                       " is given two bucket starts; keep one");
      out.good = false;
    }
  }
}

buckets read_materialization(const yaml_entry& entry, windowed_declaration& declared,
                             const declared_path& path, yaml_context& context) {
  buckets out;
  out.at = entry.at;
  if (entry.value.IsScalar()) {
    const auto flag = read_bool(entry, context.out);
    out.good = flag.value_or(false);
    out.same_as_window = true;
    if (flag && !*flag) {
      context.out.error(entry.at,
                        "a windowed feature is always materialized; write "
                        "`materialization: true` or a bucket length");
    }
    return out;
  }
  const auto settings = entries_of(entry.value, entry.at, "`materialization`", context.out);
  if (!settings) {
    out.good = false;
    return out;
  }
  refuse_unknown_keys(
      *settings,
      {"bucket_duration", "bucket_durations", "bucket_start", "bucket_starts", "retention"},
      "`materialization`", context.out);
  for (const yaml_entry& s : *settings) {
    if (s.key == "bucket_duration") {
      const auto micros = read_duration(s.value, s.at, 1, context.out);
      if (micros) out.duration = placed{*micros, s.at};
      out.good &= micros.has_value();
    } else if (s.key == "bucket_durations") {
      read_bucket_durations(s, declared.windows, out, context);
    } else if (s.key == "bucket_start") {
      out.origin = read_origin(s.value, s.at, context.out);
      out.good &= out.origin.has_value();
    } else if (s.key == "bucket_starts") {
      read_bucket_starts(s, declared.windows, out, context);
    } else if (s.key == "retention") {
      declared.retention = read_duration(s.value, s.at, 1, context.out);
      out.good &= declared.retention.has_value();
      context.place(path + "/retention", s.at);
    }
  }
  return out;
}

/// Gives every window its bucket length and origin.
bool spread(const buckets& from, windowed_declaration& declared, const declared_path& path,
            yaml_context& context) {
  bool good = true;
  for (window_declaration& window : declared.windows) {
    const std::string place = std::to_string(window.window);
    placed bucket{window.window, context.file.at(path + "/windowed/" + place)};
    if (const auto own = from.durations.find(window.window); own != from.durations.end()) {
      bucket = own->second;
    } else if (from.duration) {
      bucket = *from.duration;
    } else if (!from.same_as_window) {
      const std::string length = format_duration(window.window);
      context.out.error(from.at, "the window " + length + " of " + ticked(declared.name) +
                                     " has no bucket length; write `bucket_duration: 1m`, or list "
                                     "it as in `bucket_durations: { 1m: [" +
                                     length + "] }`");
      good = false;
      continue;
    }
    window.bucket_duration = bucket.micros;
    context.place(path + "/bucket/" + place, bucket.at);
    std::int64_t origin = from.origin.value_or(0);
    if (const auto own = from.origins.find(window.window); own != from.origins.end()) {
      origin = own->second;
    }
    window.bucket_origin =
        origin - bucket_start(bucket_index(origin, bucket.micros, 0), bucket.micros, 0);
  }
  return good;
}

std::optional<windrow::value> read_default(const yaml_entry& entry, diagnostics& out) {
  const auto text = read_text(entry.value, entry.at, "a number such as `0.0`", out);
  if (!text) return std::nullopt;
  const char* end = text->data() + text->size();
  std::int64_t whole = 0;
  if (const auto [p, e] = std::from_chars(text->data(), end, whole); e == std::errc() && p == end) {
    return windrow::value(whole);
  }
  double number = 0;
  if (const auto [p, e] = std::from_chars(text->data(), end, number);
      e == std::errc() && p == end && std::isfinite(number)) {
    return windrow::value(number);
  }
  out.error(entry.at, "the default of a windowed feature is a number, not " + ticked(*text));
  return std::nullopt;
}

}  // namespace

void read_windowed(const yaml_entry& field, const std::vector<yaml_entry>& settings,
                   class_declaration& owner, const declared_path& path, yaml_context& context) {
  refuse_unknown_keys(settings,
                      {"windowed", "expression", "materialization", "default", "max_staleness",
                       "etl_offline_to_online"},
                      "the windowed feature " + ticked(field.key), context.out);
  for (const std::string_view unused : {"max_staleness", "etl_offline_to_online"}) {
    if (const yaml_entry* entry = find_entry(settings, unused)) {
      context.out.note(entry->key_at, ticked(unused) + " on the windowed feature " +
                                          ticked(field.key) +
                                          " is unused: an aggregate is never hidden by its age");
    }
  }
  windowed_declaration declared;
  declared.name = field.key;
  bool good = true;      // the windows and what is said of them
  bool readable = true;  // the expression
  const yaml_entry* windows = find_entry(settings, "windowed");
  context.place(path + "/windowed", windows->at);
  declared.windows = read_windows(*windows, path, context, good);

  if (const yaml_entry* expression = find_entry(settings, "expression")) {
    const auto text = read_expression(*expression, path + "/expression", context);
    readable = text.has_value();
    declared.expression = text.value_or("");
  } else {
    context.out.error(field.key_at, "the windowed feature " + ticked(field.key) +
                                        " has no `expression`; write such as "
                                        "`expression: _.transactions[_.amount].sum()`");
    readable = false;
  }
  if (const yaml_entry* entry = find_entry(settings, "materialization")) {
    context.place(path + "/materialization", entry->at);
    const buckets read = read_materialization(*entry, declared, path, context);
    // Without its windows or buckets read, what is missing would be said of the wrong thing.
    good &= read.good && spread(read, declared, path, context);
  } else {
    context.out.error(field.key_at, "the windowed feature " + ticked(field.key) +
                                        " has no `materialization`; write `materialization: true` "
                                        "or `materialization: { bucket_duration: 1m }`");
    good = false;
  }
  if (const yaml_entry* entry = find_entry(settings, "default")) {
    context.place(path + "/default", entry->at);
    if (!entry->value.IsNull()) {
      declared.default_value = read_default(*entry, context.out);
      good &= declared.default_value.has_value();
    }
  }
  if (!good || !readable) context.mark_broken(path);
  if (!good) declared.windows.clear();
  // With a broken window it is planned still, for what is wrong with its expression.
  if (readable) owner.windowed.push_back(std::move(declared));
}

}  // namespace windrow::schema
