"""What the cases share: one broker, a declaration, an independent fold, a folder for each case."""

import atexit
import json
import os
import random
import shutil
import sys
import tempfile
import time
import unittest

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, "..", "support"), os.path.join(_HERE, "..", "support", "kafka")]

import broker as kafka  # noqa: E402
import command  # noqa: E402

T0 = 1772366400000  # 2026-03-01T12:00:00Z, milliseconds
NOW = "2026-03-01T13:00:00Z"

_DECLARATION = """features:
  Tx:
    fields: {{ id: str, user_id: str, amount: int, ts: FeatureTime }}
  User:
    fields:
      id: str
      txs: {{ has_many: Tx, join: User.id == Tx.user_id }}
      total: {{ windowed: [2h], expression: "_.txs[_.amount].sum()", materialization: true }}
      number: {{ windowed: [2h], expression: "_.txs.count()", materialization: true }}
      distinct: {{ windowed: [2h], expression: "_.txs[_.id].approx_count_distinct()",
                  materialization: true }}
sources:
  tx: {{ kafka: {{ bootstrap_server: "{address}", topic: {topic}{settings} }} }}
streams:
  tx_stream:
    source: tx
    message: {{ id: str, user_id: str, amount: int, ts: datetime }}
    output: {{ Tx.id: _.id, Tx.user_id: _.user_id, Tx.amount: _.amount, Tx.ts: _.ts }}
"""

_the_broker = None
_folder = None


def the_broker():
    """The suite's broker, started when first asked for."""
    global _the_broker, _folder
    if _the_broker is None:
        _folder = tempfile.mkdtemp(prefix="windrow-kafka-")
        _the_broker = kafka.Broker(os.path.join(_folder, "broker"))
        atexit.register(_end)
        _the_broker.__enter__()
    return _the_broker


def _end():
    _the_broker.kill()
    shutil.rmtree(_folder, ignore_errors=True)


def message(number, user, amount, partition=0, at=None):
    """One good message; `at` is its time in milliseconds."""
    at = T0 + number % 3_000_000 if at is None else at
    value = {"id": f"t{number}", "user_id": user, "amount": amount, "ts": at}
    return {"value": json.dumps(value).encode(), "partition": partition, "key": user, "time": at}


def messages(count, first=0, users=20, partitions=1, seed=1):
    """Seeded good messages over users and partitions."""
    rng = random.Random(seed * 1_000_003 + first)
    return [message(first + i, f"u{rng.randrange(users)}", rng.randrange(-50, 100),
                    rng.randrange(partitions)) for i in range(count)]


def is_good(value):
    """Whether a message's value is one that the stream takes."""
    try:
        m = json.loads(value)
        return (isinstance(m, dict) and isinstance(m["id"], str) and isinstance(m["user_id"], str)
                and type(m["amount"]) is int and isinstance(m["ts"], int))
    except (ValueError, KeyError, TypeError):
        return False


def fold(consumed):
    """{user: (total, number, ids)} of what a consumer saw: the naive answer."""
    out = {}
    for m in consumed:
        if m["value"] is None or not is_good(m["value"]):
            continue
        row = json.loads(m["value"])
        total, number, ids = out.get(row["user_id"], (0, 0, set()))
        out[row["user_id"]] = (total + row["amount"], number + 1, ids | {row["id"]})
    return out


class KafkaTest(unittest.TestCase):
    """A topic and a folder of its own; the declaration names both."""

    settings = ""

    def setUp(self):
        self.broker = the_broker()
        self.folder = tempfile.mkdtemp(prefix="windrow-kafka-case-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.topic = self.id().rsplit(".", 1)[-1][:80] + f"-{time.time_ns() % 10**9}"
        self.data = os.path.join(self.folder, "state")
        self.running = None
        self.addCleanup(self.stop)

    def declare(self, settings="", address=None, topic=None):
        """Writes the declaration; returns its path."""
        path = os.path.join(self.folder, "features.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(_DECLARATION.format(address=address or self.broker.address,
                                          topic=topic or self.topic,
                                          settings=", " + settings if settings else ""))
        return path

    def run_once(self, settings="", address=None, check=True, timeout=60, env=None):
        return command.run("run", self.declare(settings, address), "--data", self.data, "--once",
                           check=check, timeout=timeout, env=env)

    def start(self, settings="", checkpoint="200ms"):
        """Runs in the background until `stop`."""
        self.log = os.path.join(self.folder, "run.log")
        self.running = command.start("run", self.declare(settings), "--data", self.data,
                                     "--checkpoint", checkpoint, log=self.log)

    def stop(self):
        """SIGTERM, and waits; the exit code."""
        if self.running is None:
            return None
        self.running.terminate()
        try:
            code = self.running.wait(60)
        except Exception:
            command.kill(self.running)
            raise
        finally:
            self.running = None
        return code

    def wait_for(self, there, timeout=120):
        """Until `there()`."""
        end = time.monotonic() + timeout
        while not there():
            self.assertLess(time.monotonic(), end, f"not within {timeout} s")
            time.sleep(0.05)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_until_committed(self, timeout=60):
        """Until the broker has been told positions at the end of every partition."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.assertIsNone(self.running.poll(), "the run ended: " + self.said())
            ends = {p: high for p, (_, high) in self.broker.watermarks(self.topic).items()}
            there = self.broker.committed("windrow-tx", self.topic, len(ends))
            if all(there.get(p, 0) >= high for p, high in ends.items() if high > 0):
                return
            time.sleep(0.1)
        self.fail(f"not at the end after {timeout} s: {there} of {ends}\n{self.said()[-2000:]}")

    def assert_equals_fold(self, consumed=None):
        """The folder's answers against a fold of what an independent consumer sees."""
        wanted = fold(self.broker.consume(self.topic) if consumed is None else consumed)
        users = sorted(wanted) + ["nobody"]
        answer = command.query(self.data, [("User", u) for u in users],
                               ["total", "number", "distinct"], NOW)
        for user, row in zip(users, answer["rows"]):
            total, number, ids = wanted.get(user, (0, 0, set()))
            got = {name.split(".")[-1].split("__")[0]: f["value"]
                   for name, f in row["features"].items()}
            distinct = len(ids) if len(ids) <= 1_024 else got["distinct"]  # exact up to there
            self.assertEqual(got, {"total": total, "number": number, "distinct": distinct}, user)
        return wanted

    def applied(self, result):
        return command.summary(result.text).get("applied")
