#!/usr/bin/env python3
"""Turns vega-datasets' flights-10k.json (standard input) into flights.ndjson (standard output).

    npm pack vega-datasets@3.2.1 && tar xzf vega-datasets-3.2.1.tgz
    python3 convert.py < package/data/flights-10k.json > flights.ndjson

Nothing is dropped or reordered. `date` ("2001/01/01 00:47", the year is in the data, the time zone
is not) becomes `time` in RFC 3339, read as UTC; `id` is the row's number in the original.
"""
import json
import sys
from datetime import datetime

for number, row in enumerate(json.load(sys.stdin), start=1):
    time = datetime.strptime(row.pop("date"), "%Y/%m/%d %H:%M")
    print(json.dumps({"id": number, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"), **row},
                     separators=(",", ":")))
