#!/usr/bin/env python3
"""HTTP measured with `wrk`, beside `redis-server` on the same machine in the same run.

    benchmarks/over_http.py [--windrow build/release/windrow] [--seconds 5]

Fills a node by HTTP (100,000 users, a million events), then measures `GET /v1/entities/User/{key}` with
three windows at 32 connections; `redis-benchmark`-like load on `HGETALL` of three fields, without
pipelining, at 32 connections; `POST /v1/query` of 100 entities with 9 values each; and pushes of
NDJSON, durably acknowledged. Every answer of one user is checked against what was pushed.

Needs Debian's wrk, redis-server and redis-tools.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

DECLARATION = """\
features:
  Payment:
    fields: { id: str, user_id: str, amount: int, ts: FeatureTime }
  User:
    fields:
      id: str
      payments: { has_many: Payment, join: User.id == Payment.user_id }
      spent:
        windowed: [10m, 1h, 1d]
        expression: _.payments[_.amount].sum()
        materialization: { bucket_duration: 1m, bucket_durations: { 1h: [1d] } }
      largest:
        windowed: [10m, 1h, 1d]
        expression: _.payments[_.amount].max()
        materialization: { bucket_duration: 1m, bucket_durations: { 1h: [1d] } }
      payments_made:
        windowed: [10m, 1h, 1d]
        expression: _.payments.count()
        materialization: { bucket_duration: 1m, bucket_durations: { 1h: [1d] } }
sources:
  payments: { file: payments.ndjson }
streams:
  payments:
    source: payments
    message: { id: str, user: str, amount: int, at: datetime }
    output: { Payment.id: _.id, Payment.user_id: _.user, Payment.amount: _.amount, Payment.ts: _.at }
"""
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z, milliseconds
USERS, ROWS, PUSHERS = 100_000, 10_000, 4


def batch(number):
    """The NDJSON of one push: event i is of user i mod USERS, 5 ms after the one before."""
    first = number * ROWS
    return "".join(
        f'{{"id": "p{i}", "user": "u{i % USERS}", "amount": {i % 1000}, "at": {START + i * 5 // 1000}}}\n'
        for i in range(first, first + ROWS)).encode()


def post(connection, target, body, kind):
    connection.request("POST", target, body, {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        sys.exit(f"{target}: {answer.status} {text[:300]!r}")
    return json.loads(text)


def push_all(port, numbers, wait):
    """Pushes batches side by side; events a second from the first byte to the last acknowledgement."""
    bodies, guard = {n: batch(n) for n in numbers}, threading.Lock()
    left = list(numbers)

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with guard:
                if not left:
                    return
                number = left.pop()
            post(connection, f"/v1/streams/payments?wait={wait}", bodies[number],
                 "application/x-ndjson")
    threads = [threading.Thread(target=work) for _ in range(PUSHERS)]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return len(numbers) * ROWS / (time.monotonic() - began)


def wrk(target, script, seconds):
    said = subprocess.run(["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", "-s", script, target],
                          capture_output=True, text=True, check=True).stdout
    errors = re.findall(r"Non-2xx.*|Socket errors.*", said)
    if errors:
        sys.exit(f"{target}: {errors}")
    of = {n: value for n, value in re.findall(r"(\d\d)%\s+([\d.]+\w+)", said)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), of["50"], of["99"]


def redis(folder, seconds):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--dir", folder],
                              stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        cli = ["redis-cli", "-p", str(port)]
        fill = "".join(f"HSET user:{i:012d} a 12345 b 678 c 90\n" for i in range(1000))
        subprocess.run(cli, input=fill, text=True, stdout=subprocess.DEVNULL, check=True)
        said = subprocess.run(["redis-benchmark", "-p", str(port), "-c", "32", "-n",
                               str(60_000 * seconds), "-r", "1000", "-q", "HGETALL",
                               "user:__rand_int__"], capture_output=True, text=True,
                              check=True).stdout
        return float(re.findall(r"([\d.]+) requests per second", said)[-1])
    finally:
        server.terminate()
        server.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--windrow", default="build/release/windrow")
    parser.add_argument("--seconds", type=int, default=5)
    given = parser.parse_args()
    for tool in ("wrk", "redis-server", "redis-benchmark"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is missing: apt-get install wrk redis-server redis-tools")
    folder = tempfile.mkdtemp(prefix="windrow-http-")
    try:
        measure(os.path.abspath(given.windrow), folder, given.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(windrow, folder, seconds):
    for name, text in (("features.yaml", DECLARATION), ("payments.ndjson", "")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            out.write(text)
    log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
    node = subprocess.Popen([windrow, "run", "features.yaml", "--data", "data", "--listen",
                             "127.0.0.1:0"], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        port = None
        while port is None:
            time.sleep(0.05)
            log.seek(0)
            port = re.search(r"port (\d+)", log.read())
        port = int(port[1])
        print(f"push, durable       {push_all(port, range(100), 'durable'):12,.0f} events/s")
        print(f"push, applied       {push_all(port, range(100, 200), 'applied'):12,.0f} events/s")
        now = START + 200 * ROWS * 5 // 1000
        connection = http.client.HTTPConnection("127.0.0.1", port)
        names = ["spent", "largest", "payments_made"]
        answer = post(connection, "/v1/query", json.dumps(
            {"entities": [{"class": "User", "key": "u7"}], "features": names, "now": now}),
                      "application/json")
        values = answer["rows"][0]["features"]
        mine = [i % 1000 for i in range(7, 200 * ROWS, USERS)]
        got = [values[f"user.{n}__86400__"]["value"] for n in names]
        if got != [sum(mine), max(mine), len(mine)]:
            sys.exit(f"wrong values: {got}, expected {[sum(mine), max(mine), len(mine)]}")
        script = os.path.join(folder, "entity.lua")
        with open(script, "w", encoding="utf-8") as out:
            out.write(f"""
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/v1/entities/User/u" .. (n * 7919 % {USERS}) ..
                    "?feature=spent&now={now}")
end
""")
        rate, half, tail = wrk(f"http://127.0.0.1:{port}", script, seconds)
        print(f"GET one entity      {rate:12,.0f} requests/s   p50 {half}   p99 {tail}")
        other = redis(folder, seconds)
        print(f"redis HGETALL       {other:12,.0f} requests/s   ratio {rate / other:.2f}")
        body = json.dumps({"entities": [{"class": "User", "key": f"u{k * 911 % USERS}"}
                                        for k in range(100)], "features": names, "now": now})
        took = []
        for _ in range(500):
            began = time.perf_counter()
            post(connection, "/v1/query", body, "application/json")
            took.append((time.perf_counter() - began) * 1e3)
        took.sort()
        print(f"POST 100 x 9 values  p50 {took[250]:.2f} ms   p99 {took[495]:.2f} ms   "
              "(as Python's client sees it)")
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(60)


if __name__ == "__main__":
    main()
