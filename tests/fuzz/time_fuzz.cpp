// Points in time and durations: both ways of reading a time agree, and what is written is read
// back.
#include "windrow/time.hpp"

#include "tests/fuzz/fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace windrow;
  using fuzz::require;
  const std::string_view text = fuzz::text_of(data, size);
  const auto time = parse_time(text);
  std::int64_t micros = 42;
  require(parse_time_fast(text, micros) == time.ok(), "both ways take the same texts");
  require(micros == (time ? time->micros : 42), "both ways give the same time");
  if (time) {
    require(time->micros >= time_min && time->micros <= time_max, "a time can be written");
    const auto again = parse_time(format_time(*time));
    require(again.ok() && *again == *time, "a time that was written is read");
  }
  if (const auto duration = parse_duration(text)) {
    require(*duration >= 0, "a duration is not negative");
    const auto again = parse_duration(format_duration(*duration));
    require(again.ok() && *again == *duration, "a duration that was written is read");
  }
  return 0;
}
