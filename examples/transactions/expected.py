#!/usr/bin/env python3
"""What the features of features.yaml must be at a time, computed from the files at once.

    python3 expected.py [--now 2026-03-01T12:30:00Z] [USER...]

Prints the `rows` of `windrow query --json` without positions. Shares nothing with windrow but the
rules: the buckets that overlap (now - window, now], each whole; the newest scalar wins.
"""
import argparse
import json
from datetime import datetime, timezone
from pathlib import Path

MINUTE, HOUR, DAY = 60, 3600, 86400
# feature: {window: bucket length}, in seconds
FEATURES = {
    "sum_transaction_amount": {10 * MINUTE: MINUTE, HOUR: MINUTE, 30 * DAY: HOUR},
    "mean_transaction_amount": {10 * MINUTE: 10 * MINUTE, HOUR: HOUR, 30 * DAY: 30 * DAY},
    "large_transactions": {HOUR: MINUTE, 30 * DAY: HOUR},
}


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def rfc3339(second):
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(name):
    return [json.loads(line) for line in (Path(__file__).parent / name).open()]


def scalar(rows, value, time):
    newest = max(rows, key=lambda row: row[time], default=None)
    return {"value": newest and newest[value], "at": newest and newest[time]}


def windowed(name, window, bucket, transactions, now):
    begin, end = (now - window) // bucket * bucket, now // bucket * bucket + bucket
    amounts = [t["amount"] for t in transactions if begin <= seconds(t["ts"]) < end]
    if name == "large_transactions":
        amounts = [a for a in amounts if a >= 100]
        value = len(amounts)
    elif name == "sum_transaction_amount":
        value = sum(amounts, 0.0)
    else:
        value = sum(amounts) / len(amounts) if amounts else None
    return {"value": value, "from": rfc3339(begin), "to": rfc3339(end), "events": len(amounts)}


def row(user, now):
    # t06 has no amount that is a number: it is a dead letter.
    mine = [t for t in read("transactions.ndjson")
            if t["user_id"] == user and isinstance(t["amount"], float)]
    settled = [t for t in read("settlements.ndjson") if t["user_id"] == user]
    names = [u for u in read("users.ndjson") if u["id"] == user]
    features = {"user.name": scalar(names, "name", "updated_at"),
                "user.last_settled_amount": scalar(settled, "amount", "ts")}
    for name, windows in FEATURES.items():
        for window, bucket in windows.items():
            features[f"user.{name}__{window}__"] = windowed(name, window, bucket, mine, now)
    return {"entity": "User", "key": user, "features": features}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--now", default="2026-03-01T12:30:00Z")
    arguments.add_argument("users", nargs="*", default=["u1", "u2", "u3", "u4"])
    options = arguments.parse_args()
    rows = [row(user, seconds(options.now)) for user in options.users]
    print(json.dumps({"now": options.now, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
