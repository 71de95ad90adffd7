#include "benchmarks/events.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <unordered_map>

#include "benchmarks/random.hpp"

namespace windrow::bench {

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t recent_ms = 2 * 60 * minute_ms;
constexpr std::uint32_t witnesses_frequent = 16, witnesses_other = 48;

char* put_text(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* put_digits(char* at, std::uint64_t number, int digits) {
  for (int i = digits - 1; i >= 0; --i, number /= 10) at[i] = static_cast<char>('0' + number % 10);
  return at + digits;
}

struct event {
  std::uint64_t number;
  std::uint32_t user;
  std::uint32_t cents;
  std::int64_t time;
};

void put_line(char* line, const event& e) {
  char* at = put_digits(put_text(line, R"({"id":"t)"), e.number, 8);
  at = put_digits(put_text(at, R"(","user_id":"user-)"), e.user, 7);
  at = put_text(at, R"(","amount":)");
  at = put_digits(at, e.cents / 100, e.cents >= 10'000 ? 3 : e.cents >= 1'000 ? 2 : 1);
  *at++ = '.';
  at = put_digits(at, e.cents % 100, 2);
  at = put_digits(put_text(at, R"(,"ts":)"), static_cast<std::uint64_t>(e.time), 13);
  at = put_digits(put_text(at, R"(,"merchant":"m)"), e.user % 499, 3);
  at = put_text(at, R"(","note":")");
  char* const end = line + line_bytes - 3;
  std::memset(at, 'x', static_cast<std::size_t>(end - at));
  put_text(end, "\"}\n");
}

/// Draws the events of a file, in order.
class event_maker {
public:
  event_maker(const settings& s, key_shape keys)
      : settings_(s), random_(20'240'229), order_(shuffled(s.users, 7)) {
    if (keys == key_shape::zipf) zipf_ = std::make_unique<zipf_sampler>(s.users, 1.1);
  }
  /// Rank 0 is the most frequent user, where there is a difference.
  std::uint32_t user_of_rank(std::uint32_t rank) const { return order_[rank]; }

  event make(std::uint64_t number) {
    event e;
    e.number = number;
    e.user = order_[zipf_ ? zipf_->sample(random_) : random_.below(settings_.users)];
    e.cents = 1 + random_.below(50'000);
    e.time =
        first_event_ms + static_cast<std::int64_t>(
                             number * static_cast<std::uint64_t>(event_span_ms) / settings_.events);
    if (random_.below(20) == 0)
      e.time = std::max(first_event_ms, e.time - random_.below(minute_ms));
    return e;
  }

private:
  const settings& settings_;
  random_numbers random_;
  std::vector<std::uint32_t> order_;
  std::unique_ptr<zipf_sampler> zipf_;
};

void note(witness& w, const event& e) {
  w.minutes[e.time / minute_ms].add({1, e.cents});
  if (e.time >= first_event_ms + event_span_ms - recent_ms) w.recent.emplace_back(e.time, e.cents);
}

result<void> write_events(const settings& s, key_shape keys, event_file& file) {
  event_maker maker(s, keys);
  std::unordered_map<std::uint32_t, witness*> watched;
  file.witnesses.resize(std::min(s.users, witnesses_frequent + witnesses_other));
  for (std::uint32_t i = 0; i < file.witnesses.size(); ++i) {
    const std::uint32_t rank =
        i < witnesses_frequent ? i : i * (s.users / (witnesses_frequent + witnesses_other));
    file.witnesses[i].user = maker.user_of_rank(std::min(rank, s.users - 1));
    watched[file.witnesses[i].user] = &file.witnesses[i];
  }
  const std::string partial = file.path + ".partial";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(partial.c_str(), "wb"),
                                                      std::fclose);
  if (!out) return failure{errc::io, "cannot write " + partial};
  std::vector<bool> seen(s.users);
  std::vector<char> buffer(line_bytes * 8192);
  for (std::uint64_t i = 0; i < s.events;) {
    std::size_t lines = 0;
    for (; lines < 8192 && i < s.events; ++lines, ++i) {
      const event e = maker.make(i);
      put_line(buffer.data() + lines * line_bytes, e);
      const tally one{1, e.cents};
      file.total.add(one);
      if (!seen[e.user]) ++file.distinct;
      seen[e.user] = true;
      file.max_event_time = std::max(file.max_event_time, e.time);
      note(file.everyone, e);
      if (const auto found = watched.find(e.user); found != watched.end()) note(*found->second, e);
    }
    if (std::fwrite(buffer.data(), line_bytes, lines, out.get()) != lines) {
      return failure{errc::io, "cannot write " + partial + ": is the disk full?"};
    }
  }
  if (std::fclose(out.release()) != 0) return failure{errc::io, "cannot write " + partial};
  std::error_code error;
  std::filesystem::rename(partial, file.path, error);
  if (error) return failure{errc::io, "cannot rename " + partial};
  return {};
}

void save(std::ostream& out, const witness& w) {
  out << w.user << ' ' << w.minutes.size() << ' ' << w.recent.size() << '\n';
  for (const auto& [minute, t] : w.minutes)
    out << minute << ' ' << t.count << ' ' << t.cents << '\n';
  for (const auto& [time, cents] : w.recent) out << time << ' ' << cents << '\n';
}

void load(std::istream& in, witness& w) {
  std::size_t minutes = 0, recent = 0;
  in >> w.user >> minutes >> recent;
  for (std::size_t i = 0; in && i < minutes; ++i) {
    std::int64_t minute = 0;
    tally t;
    in >> minute >> t.count >> t.cents;
    w.minutes[minute] = t;
  }
  w.recent.resize(in ? recent : 0);
  for (auto& [time, cents] : w.recent) in >> time >> cents;
}

void save_expected(const event_file& file, const std::string& path) {
  std::ofstream out(path);
  out << file.total.count << ' ' << file.total.cents << ' ' << file.distinct << ' '
      << file.max_event_time << ' ' << file.witnesses.size() << '\n';
  save(out, file.everyone);
  for (const witness& w : file.witnesses) save(out, w);
}

bool load_expected(event_file& file, const std::string& path) {
  std::ifstream in(path);
  std::size_t witnesses = 0;
  if (!(in >> file.total.count >> file.total.cents >> file.distinct >> file.max_event_time >>
        witnesses)) {
    return false;
  }
  load(in, file.everyone);
  file.witnesses.resize(witnesses);
  for (witness& w : file.witnesses) load(in, w);
  return static_cast<bool>(in);
}

}  // namespace

tally witness::between(std::int64_t from, std::int64_t to) const {
  tally sum;
  if (from % minute_ms == 0 && to % minute_ms == 0) {
    const auto end = minutes.lower_bound(to / minute_ms);
    for (auto m = minutes.lower_bound(from / minute_ms); m != end; ++m) sum.add(m->second);
    return sum;
  }
  for (const auto& [time, cents] : recent) {
    if (time >= from && time < to) sum.add({1, cents});
  }
  return sum;
}

std::string user_name(std::uint32_t user) {
  std::string name = "user-0000000";
  put_digits(name.data() + 5, user, 7);
  return name;
}

std::string event_path(const settings& s, key_shape keys) {
  return std::filesystem::absolute(s.data).string() + "/events-" + std::to_string(s.events) + "-" +
         std::to_string(s.users) + "-" + to_string(keys) + ".ndjson";
}

result<event_file> event_file_of(const settings& s, key_shape keys) {
  std::error_code error;
  std::filesystem::create_directories(s.data, error);
  event_file file;
  file.path = event_path(s, keys);
  const std::string expected = file.path + ".totals";
  file.events = s.events;
  file.bytes = s.events * line_bytes;
  file.users = s.users;
  file.first = first_event_ms;
  if (std::filesystem::file_size(file.path, error) == file.bytes && !error &&
      load_expected(file, expected)) {
    return file;
  }
  const auto free = std::filesystem::space(s.data, error).available;
  if (!error && free < file.bytes + (std::uintmax_t{4} << 30)) {
    return failure{errc::io, s.data + " has " + std::to_string(free >> 20) +
                                 " MiB free; the input takes " + std::to_string(file.bytes >> 20) +
                                 " MiB and state some more"};
  }
  file.total = {}, file.distinct = 0, file.max_event_time = 0, file.everyone = {},
  file.witnesses.clear();
  if (auto written = write_events(s, keys, file); !written) return written.error();
  save_expected(file, expected);
  return file;
}

}  // namespace windrow::bench
