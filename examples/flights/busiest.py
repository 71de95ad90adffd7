#!/usr/bin/env python3
"""Names the busiest airports: reads `windrow query --json`, prints the first N keys by departures.

    windrow query ... --feature 'departures["7d"]' --json | python3 busiest.py 10
"""
import json
import sys

rows = json.load(sys.stdin)["rows"]
rows.sort(key=lambda row: (-row["features"]["airport.departures__604800__"]["value"], row["key"]))
for row in rows[:int(sys.argv[1])]:
    print(row["key"])
