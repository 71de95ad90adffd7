#!/usr/bin/env python3
"""What the features of features.yaml must be at a time, computed from all flights at once.

    python3 expected.py [--now 2001-03-29T21:10:00Z] [AIRPORT...]

Prints the `rows` of `windrow query --json` without positions: per airport (all of them, busiest of
the week first, unless some are named) every feature with value, interval and rows counted. Shares
nothing with windrow but the rule: the buckets that overlap (now - window, now], each one whole.
"""
import argparse
import json
import statistics
from datetime import datetime, timezone
from pathlib import Path

MINUTE, HOUR, DAY = 60, 3600, 86400
WINDOWS = {HOUR: 5 * MINUTE, DAY: HOUR, 7 * DAY: HOUR}  # window: bucket length, in seconds


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def rfc3339(second):
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def features(flights, now):
    for window, bucket in WINDOWS.items():
        begin = (now - window) // bucket * bucket
        end = now // bucket * bucket + bucket
        rows = [f for f in flights if begin <= f["second"] < end]
        delays = [f["delay"] for f in rows]
        late = [d for d in delays if d > 60]
        values = {
            "departures": (len(rows), len(rows)),
            "mean_delay": (statistics.fmean(delays) if delays else None, len(rows)),
            "max_delay": (max(delays, default=None), len(rows)),
            "std_delay": (statistics.stdev(delays) if len(delays) > 1 else None, len(rows)),
            "late_departures": (len(late), len(late)),
            "destinations": (len({f["destination"] for f in rows}), len(rows)),
        }
        for name, (value, events) in values.items():
            yield f"airport.{name}__{window}__", {
                "value": value, "from": rfc3339(begin), "to": rfc3339(end), "events": events}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--now", default="2001-03-29T21:10:00Z")
    arguments.add_argument("airports", nargs="*")
    options = arguments.parse_args()
    now = seconds(options.now)

    by_origin = {}
    for line in (Path(__file__).parent / "flights.ndjson").open():
        flight = json.loads(line)
        flight["second"] = seconds(flight["time"])
        by_origin.setdefault(flight["origin"], []).append(flight)

    rows = [{"entity": "Airport", "key": airport,
             "features": dict(features(by_origin.get(airport, []), now))}
            for airport in options.airports or sorted(by_origin)]
    if not options.airports:
        rows.sort(key=lambda r: -r["features"]["airport.departures__604800__"]["value"])
    print(json.dumps({"now": options.now, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
