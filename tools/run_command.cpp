#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "cluster/local_service.hpp"
#include "server/api/tokens.hpp"
#include "server/http/address.hpp"
#include "server/http/http_server.hpp"
#include "storage/folder/folder.hpp"
#include "tools/arguments.hpp"
#include "tools/command_support.hpp"
#include "tools/commands.hpp"
#include "tools/human.hpp"
#include "tools/interrupt.hpp"
#include "tools/json_writer.hpp"
#include "tools/run_inputs.hpp"
#include "tools/run_limits.hpp"
#include "tools/run_progress.hpp"
#include "tools/run_summary.hpp"

namespace windrow::tools {
namespace {

constexpr std::size_t memory_min = std::size_t{16} << 20;
/// How often a node that works is looked at: a progress bar is drawn each time.
constexpr std::chrono::milliseconds look_interval{200};

struct run_arguments {
  std::string file;
  std::string data;
  std::vector<std::string> inputs;
  bool once = false;
  unsigned shards = 0;
  std::string memory = "1G";
  std::string checkpoint = "10s";
  bool acknowledge = false;
  std::optional<std::string> producer;
  std::optional<std::uint64_t> sequence;
  std::string listen;
  server::tls_options tls;
  std::vector<std::string> limits;
};

/// Flags as the node takes them, without declarations and inputs.
result<node::node_options> options_of(const run_arguments& given) {
  node::node_options options;
  options.data = given.data;
  options.shards = given.shards;
  options.once = given.once;
  auto memory = parse_bytes("--memory", given.memory);
  if (!memory.ok()) return memory.error();
  if (memory.value() < memory_min) {
    return failure{errc::invalid, "--memory is `" + given.memory + "`; give at least 16M"};
  }
  options.memory = memory.value();
  auto interval = parse_interval("--checkpoint", given.checkpoint);
  if (!interval.ok()) return interval.error();
  options.checkpoint_interval =
      std::chrono::milliseconds(std::max<std::int64_t>(interval.value() / 1'000, 1));
  return options;
}

result<std::vector<std::pair<std::string, std::string>>> given_inputs(const run_arguments& given) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text : given.inputs) {
    auto pair = parse_assignment("--input", text, "--input transactions=events.ndjson");
    if (!pair.ok()) return pair.error();
    out.push_back(std::move(pair).value());
  }
  return out;
}

/// Lines of standard input are acknowledged on standard output, one JSON object a line.
result<void> acknowledge(const run_arguments& given, node::node_options& options) {
  const bool reads = std::any_of(options.inputs.begin(), options.inputs.end(),
                                 [](const node::node_input& in) { return in.path == "-"; });
  if (!reads)
    return failure{errc::invalid,
                   "--ack acknowledges lines of standard input; name the source that "
                   "reads it with --input SOURCE=-"};
  node::standard_input_options& lines = options.standard_input;
  lines.producer = given.producer.value_or("");
  lines.first = given.sequence.value_or(1);
  lines.resumes = [producer = lines.producer](storage::sequence last) {
    json_writer out;
    out.begin_object().key("producer").string(producer);
    out.key("sequence").unsigned_integer(last).end_object();
    return print_now(out.take() + "\n");
  };
  lines.acknowledged = [](std::uint64_t count) {
    json_writer out;
    out.begin_object().key("acknowledged").unsigned_integer(count).end_object();
    return print_now(out.take() + "\n");
  };
  return {};
}

/// Flags that say something together only.
result<void> check_acknowledgement(const run_arguments& given) {
  if (!given.acknowledge && (given.producer || given.sequence))
    return failure{errc::invalid,
                   "--producer and --sequence number lines that are acknowledged; "
                   "add --ack"};
  if (given.producer && given.producer->empty())
    return failure{errc::invalid, "--producer is empty; a name has 1 to 256 bytes"};
  if (given.sequence && !given.producer)
    return failure{errc::invalid, "--sequence is one of a producer; name it with --producer NAME"};
  return {};
}

/// Said before a folder is made, rather than by a node that is half open.
result<void> look_for_files(const std::vector<node::node_input>& inputs) {
  for (const node::node_input& in : inputs) {
    struct stat status {};
    if (in.path.empty() || in.path == "-") continue;
    if (::stat(in.path.c_str(), &status) == 0) {
      if (S_ISREG(status.st_mode)) continue;
      return failure{errc::invalid, "the source `" + in.source + "` cannot be read: " + in.path +
                                        " is not a regular file; pass pipes and devices through "
                                        "standard input: --input " +
                                        in.source + "=-"};
    }
    return failure{errc::io, "the source `" + in.source + "` cannot be read: " + in.path + ": " +
                                 std::strerror(errno) + "; --input " + in.source +
                                 "=PATH reads another file"};
  }
  return {};
}

int show_errors(const schema::compiled& compiled) {
  std::size_t errors = 0;
  for (const schema::diagnostic& d : compiled.diagnostics) {
    if (d.severity != schema::diagnostic::level::error) continue;
    report(d.format() + "\n");
    ++errors;
  }
  return fail({errc::invalid, "the declarations do not compile (" + std::to_string(errors) +
                                  (errors == 1 ? " error)" : " errors)") + "; nothing was read"});
}

/// Makes the node reachable: by its folder's socket, and by TCP where that was asked for.
result<std::unique_ptr<server::http_server>> start_http(server::api& front, const std::string& data,
                                                        const run_arguments& given,
                                                        const server::limits& limits) {
  server::http_options options;
  options.limits = limits;
  options.socket = server::socket_of_folder(data);
  options.listen = given.listen;
  options.tls = given.tls;
  options.tokens = server::tokens_of_folder(data);
  options.audit = data + "/audit.log";
  auto http = server::http_server::start(front, options);
  if (http.ok() && !given.listen.empty()) {
    note("listening on port " + std::to_string(http.value()->port()));
  }
  return http;
}

/// Raises what the process may open, which is often less than the system lets it have.
void make_room_for(const server::limits& limits) {
  constexpr rlim_t of_the_node = 256;  // files of the folder, sources, brokers
  rlimit open{};
  if (::getrlimit(RLIMIT_NOFILE, &open) != 0) return;
  const rlim_t wanted = limits.connections + limits.connections_per_address + of_the_node;
  if (open.rlim_cur < wanted) {
    open.rlim_cur = std::min(wanted, open.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &open);
  }
  if (open.rlim_cur < wanted) {
    note("this process may open " + std::to_string(open.rlim_cur) +
         " files, which is too few for " + std::to_string(limits.connections) +
         " connections: raise it (`ulimit -n " + std::to_string(wanted) +
         "`, LimitNOFILE=), or give --limit connections=N");
  }
}

int work(cluster::service& service, const node::node_options& options, const run_arguments& given,
         const server::limits& limits) {
  // Standard output is for acknowledgements then.
  const auto say = given.acknowledge ? report : print;
  const std::int64_t started = steady_clock();
  const bool sized =
      std::none_of(options.inputs.begin(), options.inputs.end(),
                   [](const node::node_input& in) { return in.path.empty() || in.path == "-"; });
  server::api front(service, {.clock = wall_clock, .bounds = limits});
  auto http = start_http(front, options.data, given, limits);
  if (!http.ok()) return fail(http.error());
  run_progress shown(started, sized);
  node::node_progress counts = service.progress();
  while (!counts.finished && !counts.failed && !interrupted()) {
    service.wait(look_interval);
    counts = service.progress();
    shown.update(steady_clock(), counts);
  }
  http.value()->stop();
  shown.failures(counts);
  if (const auto sources = service.sources(); given.once && sources) {
    for (const std::string& left : left_for_next_run(*sources)) note(left);
  }
  shown.say("writing the last checkpoint");
  const result<void> stopped = service.stop();
  const auto plan = service.plan();
  const auto& streams = plan->streams;
  const bool deduplicates =
      std::any_of(streams.begin(), streams.end(),
                  [](const schema::stream& s) { return s.deduplication.output != schema::none; });
  run_outcome outcome{service.progress(), steady_clock() - started, options.data, deduplicates};
  shown.finish(steady_clock(), outcome.counts);
  shown.failures(outcome.counts);
  say(summary_text(outcome));
  if (outcome.counts.failed) return fail(*outcome.counts.failed);
  if (!stopped.ok()) return fail(stopped.error());
  say(next_commands(*plan, outcome, {wall_clock()}));
  return outcome.counts.failed_sources.empty() ? exit_success : exit_failure;
}

int run(const run_arguments& given) {
  auto options = options_of(given);
  if (!options.ok()) return fail_usage(options.error());
  if (auto together = check_acknowledgement(given); !together.ok()) {
    return fail_usage(together.error());
  }
  const auto limits = parse_limits(given.limits);
  if (!limits.ok()) return fail_usage(limits.error());
  const auto replaced = given_inputs(given);
  if (!replaced.ok()) return fail_usage(replaced.error());
  auto compiled = compile_file(given.file);
  if (!compiled.ok()) return fail(compiled.error());
  if (!compiled->ok()) return show_errors(compiled.value());
  auto inputs =
      choose_inputs(*compiled->plan, replaced.value(), std::filesystem::current_path().string());
  if (!inputs.ok()) return fail(inputs.error());
  for (const std::string& name : inputs->unread) {
    note("no stream reads the source `" + name + "`; it is left alone");
  }
  if (auto there = look_for_files(inputs->read); !there.ok()) return fail(there.error());

  options->declarations = std::move(compiled->declarations);
  options->inputs = std::move(inputs->read);
  if (given.acknowledge) {
    if (auto can = acknowledge(given, options.value()); !can.ok()) return fail_usage(can.error());
  }
  watch_interrupts();
  auto opened = cluster::open_local_service(options.value());
  if (!opened.ok()) return fail(opened.error());
  make_room_for(*limits);
  return work(**opened, options.value(), given, *limits);
}

}  // namespace

void add_run_command(CLI::App& app, chosen_command& chosen) {
  CLI::App* command = app.add_subcommand("run", "Read sources and keep features up to date");
  auto given = std::make_shared<run_arguments>();
  command->add_option("FILE", given->file, "YAML file of declarations")->required()->type_name("");
  command->add_option("--data", given->data, "Folder with the state; made when it is not there")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--input", given->inputs,
                   "Read a source from another file, or from standard input (-)")
      ->allow_extra_args(false)
      ->type_name("SOURCE=PATH");
  command->add_flag("--once", given->once, "Stop when the inputs end, after a last checkpoint");
  command
      ->add_option("--shards", given->shards,
                   "Parts the state is divided into; chosen when the folder is made")
      ->check(CLI::Range(1u, storage::shard_count_max))
      ->type_name("N");
  command
      ->add_option("--memory", given->memory,
                   "What the process may use of memory, such as 512M or 2G (default 1G)")
      ->type_name("BYTES");
  command
      ->add_option("--checkpoint", given->checkpoint,
                   "How often every change is made durable (default 10s)")
      ->type_name("DURATION");
  command->add_flag("--ack", given->acknowledge,
                    "Say on standard output how many lines of standard input are durable");
  command
      ->add_option("--producer", given->producer,
                   "With --ack: whose lines they are; none is counted twice")
      ->type_name("NAME");
  command
      ->add_option("--sequence", given->sequence,
                   "With --producer: which of its lines the first one is (default 1)")
      ->check(CLI::Range(std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max()))
      ->type_name("N");
  command
      ->add_option("--listen", given->listen,
                   "Also answer HTTP there, such as 127.0.0.1:8800; port 0: any that is free")
      ->type_name("ADDRESS:PORT");
  command
      ->add_option("--tls-cert", given->tls.certificate,
                   "Certificate for --listen, PEM with its chain")
      ->type_name("PATH");
  command->add_option("--tls-key", given->tls.key, "Its key, PEM, readable by its owner alone")
      ->type_name("PATH");
  command
      ->add_option("--tls-client-ca", given->tls.client_ca,
                   "Clients need a certificate of this authority")
      ->type_name("PATH");
  command
      ->add_option("--limit", given->limits,
                   "Another limit for what comes by HTTP; those there are stand below")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  command->footer(
      "Run again on the same folder it continues where it stopped. Without --once files are\n"
      "followed as they grow; SIGINT and SIGTERM make a checkpoint and leave. While it runs, "
      "other\n"
      "commands ask it through DIR/socket.\n\n"
      "Limits, each as it is without --limit:\n" +
      limits_help() +
      "\n"
      "Examples:\n"
      "  windrow run features.yaml --data state --once\n"
      "  windrow run features.yaml --data state --input transactions=new.ndjson\n"
      "  zcat old.gz | windrow run features.yaml --data state --input transactions=- --once\n"
      "  producer | windrow run features.yaml --data state --input transactions=- --ack \\\n"
      "    --producer till-4");
  command->callback([given, &chosen] { chosen = [given] { return run(*given); }; });
}

}  // namespace windrow::tools
