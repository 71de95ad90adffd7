// How fast one core turns NDJSON lines into columns, and into batches for shards. Usage:
// decode_benchmark [lines] [repeats] Checks its own row count and sums; exits 1 where they are
// wrong.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "formats/json_decoder.hpp"
#include "formats/line_cutter.hpp"
#include "ingest/ingest_core.hpp"
#include "schema/expression/expression.hpp"
#include "schema/expression/program.hpp"

namespace {

using namespace windrow;
using schema::value_kind;

struct input {
  std::string text;
  std::size_t lines = 0;
  double amounts = 0;
  std::int64_t micros = 0;
};

/// Lines of 120 bytes: four declared keys and two that are ignored.
input generate(std::size_t lines, unsigned seed) {
  std::mt19937_64 random(seed);
  input made;
  made.lines = lines;
  std::int64_t millis = 1'700'000'000'000;
  for (std::size_t i = 0; i < lines; ++i) {
    millis += static_cast<std::int64_t>(random() % 3);
    const auto cents = static_cast<int>(random() % 50'000);
    char line[256];
    const int size =
        std::snprintf(line, sizeof line,
                      "{\"id\":\"t%zu\",\"user_id\":\"user-%07d\",\"amount\":%d.%02d,\"ts\":%lld,"
                      "\"merchant\":\"m%03d\",\"note\":\"\"}",
                      i, static_cast<int>(random() % 1'000'000), cents / 100, cents % 100,
                      static_cast<long long>(millis), static_cast<int>(random() % 500));
    std::string text(line, static_cast<std::size_t>(size));
    if (text.size() < 119) text.insert(text.size() - 2, 119 - text.size(), 'x');
    made.text += text;
    made.text += '\n';
    made.amounts += cents / 100.0;
    made.micros += millis * 1000 % 1'000'000'007;
  }
  return made;
}

std::vector<schema::message_field> fields() {
  return {{"id", {value_kind::text, false, nullptr}},
          {"user_id", {value_kind::text, false, nullptr}},
          {"amount", {value_kind::floating, false, nullptr}},
          {"ts", {value_kind::datetime, false, nullptr}}};
}

std::vector<formats::message_run_ptr> cut(const input& from) {
  std::vector<formats::message_run_ptr> runs;
  formats::line_cutter cutter(1, 0);
  for (std::size_t at = 0; at < from.text.size();) {
    const auto space = cutter.space();
    const std::size_t take = std::min(space.size(), from.text.size() - at);
    std::memcpy(space.data(), from.text.data() + at, take);
    cutter.filled(take);
    at += take;
    while (auto run = cutter.cut(timestamp{1'800'000'000'000'000}, false))
      runs.push_back(std::move(run));
  }
  return runs;
}

bool measure(const char* name, const std::vector<formats::message_run_ptr>& runs, const input& from,
             bool fast, std::size_t block) {
  formats::json_decoder decoder(fields());
  if (!fast) decoder.disable_fast_path();
  formats::decoded_rows rows;
  std::size_t count = 0;
  double amounts = 0;
  std::int64_t micros = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const auto& run : runs) {
    const std::span<const formats::message_view> all(run->messages);
    for (std::size_t at = 0; at < all.size(); at += block) {
      decoder.decode(all.subspan(at, std::min(block, all.size() - at)), rows);
      count += rows.rows();
      for (const double amount : rows.columns[2].floats) amounts += amount;
      for (const std::int64_t time : rows.columns[3].ints) micros += time % 1'000'000'007;
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%-28s %6.2f M lines/s  %6.0f MB/s\n", name, count / seconds / 1e6,
              from.text.size() / seconds / 1e6);
  if (count == from.lines && std::fabs(amounts - from.amounts) < 1e-3 && micros == from.micros) {
    return true;
  }
  std::printf("WRONG: rows %zu of %zu, sum %.2f of %.2f\n", count, from.lines, amounts,
              from.amounts);
  return false;
}

/// One stream, one route keyed by `user_id`, one watermark group, one column: `amount`.
schema::plan_ptr one_route_plan() {
  auto plan = std::make_shared<schema::plan>();
  plan->sources.push_back({"events", &schema::file_kind, "/events", 300'000'000, -1});
  schema::key_space space;
  space.id = 42;
  space.name = "User";
  space.parts = {{value_kind::text, false, nullptr}};
  space.part_names = {"id"};
  space.placement_parts = {0};
  plan->key_spaces.push_back(space);
  plan->watermark_groups.push_back({7, 0, "Transaction", ""});
  for (const std::int64_t minutes : {10, 60, 30 * 24 * 60}) {
    schema::tiling tiling;
    tiling.watermark_group = 0;
    tiling.key_space = 0;
    tiling.duration = minutes > 60 ? 3'600'000'000 : 60'000'000;
    tiling.retention = minutes * 60'000'000 + tiling.duration;
    schema::rule rule;
    rule.tiling = static_cast<int>(plan->tilings.size());
    rule.retention = tiling.retention;
    plan->tilings.push_back(tiling);
    plan->rules.push_back(rule);
  }
  schema::stream stream;
  stream.name = "transactions";
  stream.source = 0;
  stream.message = fields();
  std::vector<schema::program::input> inputs;
  std::vector<schema::expression_ptr> outputs;
  for (const auto& field : stream.message) {
    inputs.push_back({field.name, field.type});
    outputs.push_back(schema::parse_expression("_." + field.name).value);
  }
  stream.resolve =
      std::make_shared<const schema::program>(schema::program::compile(inputs, outputs));
  stream.time_output = 3;
  stream.routes = {0};
  plan->streams.push_back(std::move(stream));
  schema::route route;
  route.stream = 0;
  route.key_space = 0;
  route.key = {1};
  route.columns = {2};
  route.watermark_groups = {{0, schema::none}};
  plan->routes.push_back(route);
  return plan;
}

bool measure_route(const std::vector<formats::message_run_ptr>& runs, const input& from,
                   std::uint32_t shards) {
  ingest::ingest_options options;
  options.plan = one_route_plan();
  options.source = 0;
  options.partition = 1;
  options.shard_count = shards;
  ingest::ingest_core core(options);
  ingest::ingest_output out;
  std::size_t count = 0;
  double amounts = 0;
  const auto start = std::chrono::steady_clock::now();
  for (const auto& run : runs) {
    out.clear();
    core.take(*run, out);
    for (const auto& [shard, batch] : out.batches) {
      count += batch->rows;
      for (const double amount : batch->sections[0].columns[0].floats) amounts += amount;
    }
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("decode + route, %u shard(s)    %6.2f M lines/s  %6.0f MB/s\n", shards,
              count / seconds / 1e6, from.text.size() / seconds / 1e6);
  if (count == from.lines && std::fabs(amounts - from.amounts) < 1e-3) return true;
  std::printf("WRONG: rows %zu of %zu, sum %.2f of %.2f\n", count, from.lines, amounts,
              from.amounts);
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t lines = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1'000'000;
  const int repeats = count > 2 ? std::atoi(arguments[2]) : 3;
  const input made = generate(lines, 7);
  const auto runs = cut(made);
  bool good = true;
  for (int i = 0; i < repeats; ++i) {
    good = measure("decode, like the line before", runs, made, true, 512) && good;
    good = measure("decode, any line", runs, made, false, 512) && good;
    good = measure_route(runs, made, 1) && good;
    good = measure_route(runs, made, 4) && good;
  }
  return good ? 0 : 1;
}
