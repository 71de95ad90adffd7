"""Ten times more than a node can take: clients that push by HTTP as fast as they can and never wait,
beside a file, into state of several times the memory. Memory stays within the limit; what is too much
is refused (429, 503) and not acknowledged; soon after it ends a push is applied at once again. Then
the node is killed, and every acknowledged event counts exactly once.

    overload.py --seconds 10 --memory 64
"""

import argparse
import json
import os
import random
import re
import socket
import sys
import threading
import time
from collections import Counter

import lab
import command
from http_push import SocketConnection

_DECLARATION = """\
features:
  Payment: { fields: { id: str, user: str, amount: int, ts: FeatureTime } }
  User:
    fields:
      id: str
      payments: { has_many: Payment, join: User.id == Payment.user }
      total:
        windowed: [1h, 1d, all]
        expression: _.payments[_.amount].sum()
        materialization: &buckets { bucket_duration: 1m, bucket_durations: { 1h: [1d], 1d: [all] } }
MORE
sources: { payments: { file: payments.ndjson } }
streams:
  payment_stream:
    source: payments
    message: { id: str, user: str, amount: int, ts: datetime }
    output: { Payment.id: _.id, Payment.user: _.user, Payment.amount: _.amount, Payment.ts: _.ts }
"""
# Work for the node: what it takes is then little beside what Python can offer.
_MORE = "\n".join(f"""\
      above_{n}:
        windowed: [1h, 1d, all]
        expression: "_.payments[_.amount, _.amount > {n}].max()"
        materialization: *buckets""" for n in range(0, 480, 40))
_DECLARATION = _DECLARATION.replace("MORE", _MORE)


def lines(rng, count, users):
    """Some messages, and what they add to each user."""
    totals, text = Counter(), []
    for i in range(count):
        user, amount, second = f"user-{rng.randrange(users)}", rng.randrange(1000), rng.randrange(36000)
        text.append(b'{"id": "p%d", "user": "%s", "amount": %d, "ts": "2024-03-01T%02d:%02d:%02dZ"}\n'
                    % (i, user.encode(), amount, second // 3600, second // 60 % 60, second % 60))
        totals[user] += amount
    return b"".join(text), totals


class Client(threading.Thread):
    """One connection and one producer: the next push as soon as the last one is answered, the same
    again at once where it was refused."""

    def __init__(self, data, number, bodies):
        super().__init__(daemon=True)
        self.data, self.number, self.bodies = data, number, bodies
        self.taken = self.refused = 0
        self.refusals, self.problem = Counter(), None
        self.enough = self.last = False

    def body(self):
        return (self.number + self.taken) % len(self.bodies)

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(60)
                link.connect(os.path.join(self.data, "socket"))
                while not self.last:
                    self.last = self.enough  # the push under way is repeated until it is taken
                    while not self.push(link) and not self.problem:
                        pass
        except OSError as error:
            self.problem = f"client {self.number}: {error}"

    def push(self, link):
        body = self.bodies[self.body()]
        link.sendall(b"POST /v1/streams/payment_stream?wait=durable HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Type: application/x-ndjson\r\nWindrow-Producer: client-%d\r\n"
                     b"Windrow-Sequence: %d\r\nContent-Length: %d\r\n\r\n"
                     % (self.number, self.taken + 1, len(body)) + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.receive(link)
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE).group(1))
        while len(rest) < length:
            rest += self.receive(link)
        status = int(head.split()[1])
        if status == 200:
            self.taken += 1
            return True
        if status not in (429, 503) or b"retry-after" not in head.lower():
            self.problem = f"client {self.number}: {answer[:500]!r}"
        self.refused += 1
        self.refusals[status] += 1
        return False

    @staticmethod
    def receive(link):
        found = link.recv(1 << 16)
        if not found:
            raise OSError("the connection was closed")
        return found


def anonymous_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)) / 1024


def until(process, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise command.Failed(f"the node ended ({process.poll()}) or did not come to it")
        time.sleep(0.01)


def ask(data, method, target, body=None):
    connection = SocketConnection(data)
    try:
        connection.request(method, target, body, {"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def overload(data, process, bodies):
    """Clients for some seconds, longer where they are slow; the clients, and the most memory."""
    clients = [Client(data, n, bodies) for n in range(OPTIONS.clients)]
    for client in clients:
        client.start()
    most, begun = 0, time.monotonic()

    def goes_on():
        took = time.monotonic() - begun
        enough = sum(c.refused for c in clients) >= 10 * sum(c.taken for c in clients)
        return took < OPTIONS.seconds or (took < 10 * OPTIONS.seconds and not enough)

    while goes_on():
        most = max(most, anonymous_mib(process))
        time.sleep(0.01)
    for client in clients:
        client.enough = True
    for client in clients:
        while client.is_alive():
            most = max(most, anonymous_mib(process))
            client.join(0.01)
    return clients, most


def recovers(data):
    """Seconds until a push is answered as applied."""
    begun = time.monotonic()
    while time.monotonic() - begun < 30:
        status, body = ask(data, "POST", "/v1/streams/payment_stream", b"[]")
        if status == 200 and json.loads(body)["applied"]:
            break
    return time.monotonic() - begun


def wrong_totals(data, totals):
    keys, problems = sorted(totals), []
    for first in range(0, len(keys), 5000):
        some = keys[first:first + 5000]
        answer = command.query(data, [("User", key) for key in some], ["total[all]"],
                               "2024-03-01T23:00:00Z")
        problems += [f"{key} has {row['features']}, expected {totals[key]}"
                     for key, row in zip(some, answer["rows"])
                     if [v["value"] for v in row["features"].values()] != [totals[key]]]
    return problems


def check(laboratory, score):
    rng, data = random.Random(f"overload {OPTIONS.seed}"), laboratory.fresh()
    pushed = [lines(rng, OPTIONS.batch, OPTIONS.users) for _ in range(32)]
    in_file, totals = lines(rng, OPTIONS.in_file, OPTIONS.users)
    with open(laboratory.path("features.yaml"), "w", encoding="utf-8") as out:
        out.write(_DECLARATION)
    with open(laboratory.path("payments.ndjson"), "wb") as out:
        out.write(in_file)
    arguments = ["run", laboratory.path("features.yaml"), "--data", data, "--shards", 2,
                 "--memory", f"{OPTIONS.memory}M"]
    process = command.start(*arguments, log=laboratory.path("log"))
    try:
        until(process, lambda: os.path.exists(os.path.join(data, "socket")))
        clients, most = overload(data, process, [body for body, _ in pushed])
        back = recovers(data)
    finally:
        command.kill(process)
    problems = [c.problem for c in clients if c.problem]
    taken, refused = sum(c.taken for c in clients), sum(c.refused for c in clients)
    for client in clients:
        for number in range(client.taken):
            totals.update(pushed[(client.number + number) % len(pushed)][1])
    print(f"{taken + refused} pushes of {OPTIONS.batch} offered, {taken} taken, refused: "
          f"{dict(sum((c.refusals for c in clients), Counter()))}; at most {most:.0f} MiB with "
          f"--memory {OPTIONS.memory}M; applied again after {back:.1f} s", flush=True)
    if taken + refused < 10 * taken:
        problems.append("less than ten times what was taken has been offered")
    if most > OPTIONS.memory * 1.25:
        problems.append(f"{most:.0f} MiB of anonymous memory with a limit of {OPTIONS.memory}")
    if back > 10:
        problems.append(f"it took {back:.0f} s to come back")
    finished = lab.windrow(arguments + ["--once"], data, timeout=300)
    if finished.code != 0:
        problems.append(f"the next run failed: {finished}")
    score.check(problems + lab.verify(data) + wrong_totals(data, totals), f"seed {OPTIONS.seed}")


def main():
    lab.require()
    score = lab.Score("overload")
    print(f"seed {OPTIONS.seed}")
    with lab.Lab("overload", on_disk=True) as laboratory:
        check(laboratory, score)
    return score.end("node")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--memory", type=int, default=64, help="MiB")
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--clients", type=int, default=48)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--in-file", type=int, default=100_000, help="messages")
    OPTIONS = parser.parse_args()
    sys.exit(main())
