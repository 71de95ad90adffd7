#include <algorithm>
#include <filesystem>
#include <tuple>
#include <utility>

#include "base/suggest.hpp"
#include "schema/expression/type_text.hpp"
#include "schema/yaml/context.hpp"
#include "windrow/time.hpp"

namespace windrow::schema {

std::optional<std::string> read_substituted(const YAML::Node& node, source_position at,
                                            const std::string& what, yaml_context& context) {
  const auto text = read_text(node, at, what, context.out);
  if (!text) return std::nullopt;
  std::string out;
  std::size_t from = 0;
  bool good = true;
  while (true) {
    const std::size_t begin = text->find("${", from);
    if (begin == std::string::npos) break;
    out.append(*text, from, begin - from);
    source_position here = text_position(node, at);
    here.column += static_cast<int>(begin);
    const std::size_t end = text->find('}', begin);
    const std::string name =
        end == std::string::npos ? "" : text->substr(begin + 2, end - begin - 2);
    if (!is_identifier(name)) {
      context.out.error(here, "`${` begins the name of an environment variable; write `${NAME}`");
      return std::nullopt;
    }
    const auto value = context.variables ? context.variables(name) : std::nullopt;
    if (!value) {
      context.out.error(here, "the environment variable " + ticked(name) + " is not set");
      good = false;
    }
    out += value.value_or("");
    from = end + 1;
  }
  if (!good) return std::nullopt;
  return out.append(*text, from);
}

std::string path_from_declarations(const std::string& path, const std::string& file_name) {
  if (path == "-") return path;
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path base = fs::absolute(fs::path(file_name), ignored).parent_path();
  return (base / path).lexically_normal().string();
}

bool read_arrival_limits(const std::vector<yaml_entry>& entries, source_declaration& source,
                         yaml_context& context) {
  bool good = true;
  for (const std::string limit : {"max_future_skew", "late_arrival_deadline"}) {
    const yaml_entry* given = find_entry(entries, limit);
    if (given == nullptr) continue;
    const bool twice = std::any_of(source.settings.begin(), source.settings.end(),
                                   [&](const auto& s) { return s.first == limit; });
    if (twice) {
      context.out.error(given->key_at, ticked(limit) + " stands both beside " +
                                           ticked(source.kind) + " and in it; keep one");
      good = false;
      continue;
    }
    const auto micros = read_duration(given->value, given->at, 0, context.out);
    if (micros) source.settings.emplace_back(limit, std::to_string(*micros));
    good &= micros.has_value();
  }
  return good;
}

namespace {

/// The entry that says which kind of source it is; says so if there is none or there are several.
const yaml_entry* find_kind(const std::vector<yaml_entry>& settings, source_position at,
                            const std::string& what, yaml_context& context) {
  const yaml_entry* found = nullptr;
  std::string none, example;
  for (const source_kind* kind : source_kinds()) {
    none += (none.empty() ? " has neither " : " nor ") + ticked(kind->name);
    if (example.empty()) example = "; write such as " + ticked(kind->example);
    const yaml_entry* entry = find_entry(settings, kind->name);
    if (entry == nullptr) continue;
    if (found != nullptr) {
      context.out.error(
          at, what + " has both " + ticked(found->key) + " and " + ticked(entry->key) + example);
      return nullptr;
    }
    found = entry;
  }
  if (found == nullptr) context.out.error(at, what + none + example);
  return found;
}

void read_source(const yaml_entry& entry, yaml_context& context) {
  const declared_path path = "sources/" + entry.key;
  context.place(path, entry.key_at);
  if (!check_name(entry, "a source", context)) return context.mark_broken(path);
  const std::string what = "the source " + ticked(entry.key);
  const auto settings = entries_of(entry.value, entry.at, what, context.out);
  if (!settings) return context.mark_broken(path);
  std::vector<std::string> known;
  for (const source_kind* kind : source_kinds()) known.emplace_back(kind->name);
  known.insert(known.end(), {"max_future_skew", "late_arrival_deadline"});
  refuse_unknown_keys(*settings, known, what, context.out);
  source_declaration source;
  source.name = entry.key;
  const yaml_entry* given = find_kind(*settings, entry.key_at, what, context);
  bool good = given != nullptr &&
              read_source_settings(*find_source_kind(given->key), *given, source, context);
  good &= read_arrival_limits(*settings, source, context);
  if (!good) return context.mark_broken(path);
  std::sort(source.settings.begin(), source.settings.end());
  context.file.declarations.sources.push_back(std::move(source));
}

bool read_message(const yaml_entry& entry, stream_declaration& stream, const declared_path& path,
                  yaml_context& context) {
  const auto fields = entries_of(entry.value, entry.at,
                                 "`message` of the stream " + ticked(stream.name), context.out);
  if (!fields) return false;
  for (const yaml_entry& field : *fields) {
    const declared_path place = path + "/message/" + field.key;
    context.place(place, field.key_at);
    if (!check_name(field, "a message key", context)) {
      context.mark_broken(place);
      continue;
    }
    if (field.key == "message_key" || field.key == "message_time" ||
        field.key == "message_headers") {
      context.out.error(field.key_at, ticked(field.key) +
                                          " is the envelope's and always there; "
                                          "leave it out of `message`");
      context.mark_broken(place);
      continue;
    }
    if (field.value.IsMap()) {
      context.out.error(field.at,
                        "nested messages are not supported; the type of a message key is "
                        "such as `str`");
      context.mark_broken(place);
      continue;
    }
    const auto text = read_text(field.value, field.at, "a type such as `str`", context.out);
    const result<type_text> type =
        text ? parse_type(*text) : result<type_text>(failure{errc::invalid, ""});
    if (text && !type) {
      context.out.error(text_position(field.value, field.at), type.error().message);
    } else if (text && (type->is_feature_time || !type->references_class.empty())) {
      context.out.error(field.at, "a message holds plain values; write " +
                                      ticked(type->is_feature_time ? "datetime" : "str") +
                                      " instead of " + ticked(*text));
    } else if (text) {
      stream.message.emplace_back(field.key, type->type);
      continue;
    }
    context.mark_broken(place);
  }
  return true;
}

bool read_output(const yaml_entry& entry, stream_declaration& stream, const declared_path& path,
                 yaml_context& context) {
  const auto outputs = entries_of(entry.value, entry.at,
                                  "`output` of the stream " + ticked(stream.name), context.out);
  if (!outputs) return false;
  for (const yaml_entry& output : *outputs) {
    const declared_path place = path + "/output/" + output.key;
    context.place(place, output.key_at);
    const auto text = read_expression(output, place + "/expression", context);
    if (text)
      stream.output.emplace_back(output.key, *text);
    else
      context.mark_broken(place);
  }
  // Where none could be read, that the stream outputs nothing is not worth saying.
  return outputs->empty() || !stream.output.empty();
}

bool read_deduplication(const yaml_entry& entry, stream_declaration& stream,
                        const declared_path& path, yaml_context& context) {
  const std::string what = "`deduplication` of the stream " + ticked(stream.name);
  const std::string example = "; write such as `deduplication: { on: _.event_id, within: 24h }`";
  context.place(path + "/deduplication", entry.key_at);
  const auto settings = entries_of(entry.value, entry.at, what, context.out);
  if (!settings) return false;
  refuse_unknown_keys(*settings, {"on", "within"}, what, context.out);
  const yaml_entry* on = find_entry(*settings, "on");
  const yaml_entry* within = find_entry(*settings, "within");
  if (on == nullptr) context.out.error(entry.key_at, what + " has no `on`" + example);
  if (within == nullptr) context.out.error(entry.key_at, what + " has no `within`" + example);
  const auto id =
      on == nullptr ? std::nullopt : read_expression(*on, path + "/deduplication/on", context);
  const auto period =
      within == nullptr ? std::nullopt : read_duration(within->value, within->at, 1, context.out);
  // Ids of all time would need unbounded room.
  if (period && *period >= duration_all) {
    context.out.error(within->at, what + " is for a limited time" + example);
    return false;
  }
  if (!id || !period) return false;
  stream.deduplication = {*id, *period};
  return true;
}

void read_stream(const yaml_entry& entry, yaml_context& context) {
  const declared_path path = "streams/" + entry.key;
  const std::string what = "the stream " + ticked(entry.key);
  context.place(path, entry.key_at);
  if (!check_name(entry, "a stream", context)) return context.mark_broken(path);
  const auto settings = entries_of(entry.value, entry.at, what, context.out);
  if (!settings) return context.mark_broken(path);
  refuse_unknown_keys(*settings,
                      {"source", "message", "parse", "output", "updates_materialized_aggregations",
                       "deduplication"},
                      what, context.out);
  stream_declaration stream;
  stream.name = entry.key;
  bool good = true;
  const yaml_entry* source = find_entry(*settings, "source");
  const yaml_entry* message = find_entry(*settings, "message");
  const yaml_entry* output = find_entry(*settings, "output");
  for (const auto& [found, name, example] :
       {std::tuple{source, "source", "source: transactions"},
        std::tuple{message, "message", "message: { id: str, amount: float }"},
        std::tuple{output, "output", "output: { User.id: _.id }"}}) {
    if (found != nullptr) continue;
    context.out.error(entry.key_at,
                      what + " has no " + ticked(name) + "; write such as " + ticked(example));
    good = false;
  }
  if (source != nullptr) {
    const auto name = read_text(source->value, source->at, "the name of a source", context.out);
    stream.source = name.value_or("");
    context.place(path + "/source", text_position(source->value, source->at));
    good &= name.has_value();
  }
  if (message != nullptr) good &= read_message(*message, stream, path, context);
  if (const yaml_entry* parse = find_entry(*settings, "parse")) {
    const auto text = read_expression(*parse, path + "/parse", context);
    stream.parse = text.value_or("");
    good &= text.has_value();
  }
  if (output != nullptr) good &= read_output(*output, stream, path, context);
  if (const yaml_entry* flag = find_entry(*settings, "updates_materialized_aggregations")) {
    stream.updates_materialized_aggregations = read_bool(*flag, context.out).value_or(true);
  }
  if (const yaml_entry* repeats = find_entry(*settings, "deduplication")) {
    if (!read_deduplication(*repeats, stream, path, context)) {
      context.mark_broken(path + "/deduplication");
    }
  }
  if (!good) context.mark_broken(path);
  context.file.declarations.streams.push_back(std::move(stream));
}

}  // namespace

void read_sources(const yaml_entry& sources, yaml_context& context) {
  const auto entries = entries_of(sources.value, sources.at, "`sources`", context.out);
  if (!entries) return;
  for (const yaml_entry& entry : *entries) read_source(entry, context);
}

void read_streams(const yaml_entry& streams, yaml_context& context) {
  const auto entries = entries_of(streams.value, streams.at, "`streams`", context.out);
  if (!entries) return;
  for (const yaml_entry& entry : *entries) read_stream(entry, context);
}

}  // namespace windrow::schema
