#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "windrow/export.hpp"
#include "windrow/result.hpp"
#include "windrow/value.hpp"

/// Durations and points in time as people and messages write them. No clock, no locale, no time
/// zone database: everything is UTC and microseconds.
namespace windrow {

inline constexpr std::int64_t micros_per_second = 1'000'000;
/// What `all` and `infinity` mean: 36,500 days.
inline constexpr std::int64_t duration_all = 36'500LL * 86'400 * 1'000'000;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: the times that can be written.
inline constexpr std::int64_t time_min = -62'135'596'800'000'000;
inline constexpr std::int64_t time_max = 253'402'300'799'999'999;

/// Microseconds of a duration: whole numbers with the units `w d h m s ms`, each unit at most
/// once, in any order, spaces allowed (`90m`, `1h 30m`), or `all` or `infinity`. Never negative.
/// What does not parse is `invalid` with a message that names the rest.
WINDROW_EXPORT result<std::int64_t> parse_duration(std::string_view text);

/// The duration in days, hours, minutes, seconds and milliseconds, parts that are zero left out:
/// `1h30m`, `30d`, `0s`; `all` for 36,500 days. `parse_duration` reads it back, except where it is
/// negative (`-1h`) or not whole milliseconds (`1.5ms`).
WINDROW_EXPORT std::string format_duration(std::int64_t micros);

/// A point in time, between the years 1 and 9999:
/// * RFC 3339, `2024-01-02T03:04:05.678901+01:00`: `T` or a space, `Z`, an offset (`+01:00`,
///   `+0100`, `+01`) or neither, which means UTC; digits beyond the microsecond are dropped;
/// * a date alone, `2024-01-02`: its midnight in UTC;
/// * digits with an optional minus: milliseconds since the Unix epoch.
WINDROW_EXPORT result<timestamp> parse_time(std::string_view text);

/// `parse_time` for the ingest path: allocates nothing. False, with `micros` unchanged, where
/// the text is not a time.
WINDROW_EXPORT bool parse_time_fast(std::string_view text, std::int64_t& micros) noexcept;

/// RFC 3339 in UTC: `2024-01-02T03:04:05Z`; a fraction only where it is not zero, with three or
/// six digits. Times outside the years 1 to 9999 are moved to the nearest that can be written.
WINDROW_EXPORT std::string format_time(timestamp time);

}  // namespace windrow
