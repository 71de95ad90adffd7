#!/usr/bin/env python3
"""HTTP measured with `wrk`, beside `redis-server` on the same machine in the same run.

    benchmarks/over_http.py [--windrow build/release/windrow] [--seconds 5]

Fills a node by HTTP (100,000 users, two million events), then measures

* pushes of NDJSON, durably acknowledged;
* `GET /v1/entities/User/{key}` with three windows at 32 connections, and `redis-benchmark` on
  `HGETALL` of three fields, without pipelining, at 32 connections;
* `POST /v1/query` of 100 entities with 9 values each, at one connection;
* the same of 1,000 entities at one `now`, and at 1,000 different ones, in turn;
* ingest to visible: the time from sending one event to the end of the first query that shows it,
  while others push batches of a thousand at half the rate at which they can be pushed;
* the same GET while a file is read as fast as the node can.

The values of the query are checked against what was pushed, an event that is waited for must be
counted exactly once, and the file must still be being read when `wrk` has ended.

Needs Debian's wrk, redis-server and redis-tools.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import random
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
LOAD_ROWS = 1_000   # of a push of the load, USERS / LOAD_ROWS of them one after the other
PROBES = 1_000      # events that are waited for
FILE_EVENTS = 12_000_000  # for each second of `wrk`: more than can be read meanwhile


def batch(number, rows=ROWS):
    """The NDJSON of one push: event i is of user i mod USERS, 5 us after the one before."""
    first = number * rows
    return "".join(
        f'{{"id": "p{i}", "user": "u{i % USERS}", "amount": {i % 1000}, "at": {START + i * 5 // 1000}}}\n'
        for i in range(first, first + rows)).encode()


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


def push_until(port, enough, rate, done):
    """Pushes small batches in turn until `enough`, at a rate of events or without pause (None);
    puts (pushes, refusals, seconds) into `done`."""
    bodies = [batch(n, LOAD_ROWS) for n in range(USERS // LOAD_ROWS)]
    guard, count, refused = threading.Lock(), [0], [0]
    began = time.monotonic()

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not enough.is_set():
            with guard:
                number = count[0]
                count[0] += 1
            if rate:
                time.sleep(max(0, began + number * LOAD_ROWS / rate - time.monotonic()))
            while True:
                connection.request("POST", "/v1/streams/payments?wait=durable",
                                   bodies[number % len(bodies)],
                                   {"Content-Type": "application/x-ndjson"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status == 200:
                    break
                if answer.status != 429:
                    sys.exit(f"push: {answer.status} {text[:300]!r}")
                with guard:
                    refused[0] += 1
                time.sleep(0.02)
    threads = [threading.Thread(target=work) for _ in range(PUSHERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    done.put((count[0], refused[0], time.monotonic() - began))


class Load:
    """Pushes of another process, so that its work does not hold up what is measured here."""

    def __init__(self, port, rate):
        self.enough, self.done = multiprocessing.Event(), multiprocessing.Queue()
        self.process = multiprocessing.Process(target=push_until,
                                               args=(port, self.enough, rate, self.done))
        self.process.start()

    def end(self):
        self.enough.set()
        said = self.done.get(timeout=120)
        self.process.join()
        return said


def payments_of(connection, user, now):
    connection.request("GET", f"/v1/entities/User/{user}?feature=payments_made&now={now}")
    answer = json.loads(connection.getresponse().read())
    return answer["features"]["user.payments_made__86400__"]["value"]


def visible(port, now):
    """Prints how long an event that is sent takes to be seen, at half the rate that is possible."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    before = payments_of(connection, "u7", now)
    flat_out = Load(port, None)
    time.sleep(5)
    first, _, seconds = flat_out.end()
    most = first * LOAD_ROWS / seconds
    half = Load(port, most / 2)
    time.sleep(1)
    pauses, took = random.Random(1), []
    for number in range(1, PROBES + 1):
        row = f'{{"id": "v{number}", "user": "visible", "amount": 1, "at": {START}}}\n'
        began = time.perf_counter()
        post(connection, "/v1/streams/payments?wait=durable", row, "application/x-ndjson")
        while (seen := payments_of(connection, "visible", now)) != number:
            if seen > number or time.perf_counter() - began > 30:
                sys.exit(f"event {number} of a user was sent, and {seen} are counted")
        took.append((time.perf_counter() - began) * 1e3)
        time.sleep(pauses.uniform(0, 0.008))
    second, refused, seconds = half.end()
    turns = USERS // LOAD_ROWS  # u7 is in the first of so many pushes
    wanted = before + -(-first // turns) + -(-second // turns)
    while (seen := payments_of(connection, "u7", now)) < wanted and time.perf_counter() - began < 60:
        time.sleep(0.1)
    if seen != wanted:
        sys.exit(f"u7 has {seen} payments, expected {wanted}")
    took.sort()
    print(f"push of 1,000 rows  {most:12,.0f} events/s   {PUSHERS} connections, durable")
    print(f"ingest to visible    p50 {took[PROBES // 2]:.2f} ms   p99 {took[PROBES * 99 // 100]:.2f} ms"
          f"   at {second * LOAD_ROWS / seconds:,.0f} events/s, {refused} refused")


def check_query(port, body, users, names):
    """Asks once, and compares each value of a day with what was pushed."""
    answer = post(http.client.HTTPConnection("127.0.0.1", port), "/v1/query", body,
                  "application/json")
    for user, row in zip(users, answer["rows"], strict=True):
        mine = [i % 1000 for i in range(user, 200 * ROWS, USERS)]
        got = [row["features"][f"user.{n}__86400__"]["value"] for n in names]
        if got != [sum(mine), max(mine), len(mine)] or len(row["features"]) != 9:
            sys.exit(f"u{user}: {got}, expected {[sum(mine), max(mine), len(mine)]}")


def query_of(users, names, now, step=0):
    """A query's body; each row is asked `step` seconds after the one before it."""
    rows = [{"class": "User", "key": f"u{u}"} | ({"now": now + i * step} if step else {})
            for i, u in enumerate(users)]
    return json.dumps({"entities": rows, "features": names, "now": now})


def many_nows(node, folder, seconds, now):
    """Prints what a `now` of its own for each row costs."""
    names, users = ["spent", "largest", "payments_made"], [k * 911 % USERS for k in range(1000)]
    rates = {0: [], 1: []}
    for _ in range(5):
        for step, found in rates.items():
            body = query_of(users, names, now, step)
            check_query(node.port, body, users, names)
            found.append(wrk(node.address + "/v1/query", post_script(folder, body),
                             max(1, seconds // 2), 1)[0])
    one, many = (sorted(found)[2] for found in rates.values())
    print(f"POST 1,000 x 9      {one:12,.0f} requests/s   1,000 `now`s {many:,.0f}   "
          f"time ratio {one / many:.2f}")


def wrk(target, script, seconds, connections=32):
    said = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s",
                           script, target], capture_output=True, text=True, check=True).stdout
    errors = re.findall(r"Non-2xx.*|Socket errors.*", said)
    if errors:
        sys.exit(f"{target}: {errors}")
    of = {n: value for n, value in re.findall(r"(\d\d)%\s+([\d.]+\w+)", said)}
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), of["50"], of["99"]


def get_script(folder, now):
    path = os.path.join(folder, "entity.lua")
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"""
local n = 0
request = function()
  n = n + 1
  return wrk.format("GET", "/v1/entities/User/u" .. (n * 7919 % {USERS}) ..
                    "?feature=spent&now={now}")
end
""")
    return path


def post_script(folder, body):
    path = os.path.join(folder, "query.lua")
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"""
wrk.method = "POST"
wrk.body = [[{body}]]
wrk.headers["Content-Type"] = "application/json"
""")
    return path


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


class Node:
    """A node of its own folder, with HTTP on a free port."""

    def __init__(self, windrow, folder):
        with open(os.path.join(folder, "features.yaml"), "w", encoding="utf-8") as out:
            out.write(DECLARATION)
        self.windrow, self.data = windrow, os.path.join(folder, "data")
        log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [windrow, "run", "features.yaml", "--data", "data", "--listen", "127.0.0.1:0"],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        found = None
        while found is None:
            time.sleep(0.05)
            log.seek(0)
            found = re.search(r"port (\d+)", log.read())
        self.port = int(found[1])
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def measure(windrow, folder, seconds):
    first, second = os.path.join(folder, "pushed"), os.path.join(folder, "read")
    os.mkdir(first), os.mkdir(second)
    open(os.path.join(first, "payments.ndjson"), "w", encoding="utf-8").close()
    now = START + 200 * ROWS * 5 // 1000
    with Node(windrow, first) as node:
        measure_pushed(node, first, seconds, now)
        visible(node.port, now)
    lines = b"".join(batch(number) for number in range(1_000_000 // ROWS)).splitlines(True)
    random.Random(2).shuffle(lines)  # users in order would be too easy
    million = b"".join(lines)
    with open(os.path.join(second, "payments.ndjson"), "wb") as out:
        for _ in range(seconds * FILE_EVENTS // 1_000_000):
            out.write(million)
    with Node(windrow, second) as node:
        measure_reading(node, second, seconds)


def measure_pushed(node, folder, seconds, now):
    port = node.port
    print(f"push, durable       {push_all(port, range(100), 'durable'):12,.0f} events/s")
    print(f"push, applied       {push_all(port, range(100, 200), 'applied'):12,.0f} events/s")
    names, users = ["spent", "largest", "payments_made"], [k * 911 % USERS for k in range(100)]
    body = query_of(users, names, now)
    check_query(port, body, users, names)
    rate, half, tail = wrk(node.address, get_script(folder, now), seconds)
    print(f"GET one entity      {rate:12,.0f} requests/s   p50 {half}   p99 {tail}")
    other = redis(folder, seconds)
    print(f"redis HGETALL       {other:12,.0f} requests/s   ratio {rate / other:.2f}")
    rate, half, tail = wrk(node.address + "/v1/query", post_script(folder, body), seconds, 1)
    print(f"POST 100 x 9 values {rate:12,.0f} requests/s   p50 {half}   p99 {tail}")
    many_nows(node, folder, seconds, now)


def measure_reading(node, folder, seconds):
    def read():
        said = subprocess.run([node.windrow, "source", "list", "--data", node.data, "--json"],
                              capture_output=True, text=True, check=True).stdout
        sources = json.loads(said)["sources"]
        at = next(s for s in sources if s["source"] == "payments")["partitions"][0]
        return at["read"], at["lag"]
    now = START + 1_000_000 * 5 // 1000
    while read()[0] < 1_000_000:
        time.sleep(0.05)
    began, (before, _) = time.monotonic(), read()
    _, half, tail = wrk(node.address, get_script(folder, now), seconds)
    after, lag = read()
    rate = (after - before) / (time.monotonic() - began)
    if lag == 0:
        sys.exit("the file was read before wrk ended: FILE_EVENTS is too small for this machine")
    print(f"GET while reading                             p50 {half}   p99 {tail}"
          f"   at {rate:,.0f} events/s")
    while read()[1] > 0:
        time.sleep(0.1)
    connection = http.client.HTTPConnection("127.0.0.1", node.port)
    wanted, patience = seconds * FILE_EVENTS // USERS, time.monotonic() + 10
    while (seen := payments_of(connection, "u7", now)) != wanted and time.monotonic() < patience:
        time.sleep(0.1)
    if seen != wanted:
        sys.exit(f"u7 has {seen} payments in the file that was read, expected {wanted}")


if __name__ == "__main__":
    main()
