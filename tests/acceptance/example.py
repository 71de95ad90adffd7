"""The running example with literal inputs, and a test case that runs commands on it."""

import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import command  # noqa: E402
import times  # noqa: E402

DECLARATION = """\
features:
  Transaction:
    fields: { id: str, user_id: str, amount: float, items: int | null, kind: str | null, ts: FeatureTime }
  User:
    max_staleness: infinity
    etl_offline_to_online: true
    fields:
      id: str
      name: str | null
      home: str | null
      transactions: { has_many: Transaction, join: User.id == Transaction.user_id, max_staleness: 30d }
      at_home: { has_many: Transaction, join: User.id == Transaction.user_id & User.home == Transaction.kind }
      sum_transaction_amount:
        windowed: [10m, 1h, 30d]
        expression: _.transactions[_.amount, _.ts > _.chalk_window].sum()
        materialization: { bucket_duration: 1m, bucket_durations: { 1h: [30d] } }
        default: 0.0
      mean_transaction_amount:
        windowed: [10m]
        expression: _.transactions[_.amount].mean()
        materialization: true
      largest:
        windowed: [10m]
        expression: _.transactions[_.amount].max()
        materialization: true
        default: -1.0
      item_count:
        windowed: [1h]
        expression: _.transactions[_.items].sum()
        materialization: { bucket_duration: 1m }
      card_payments:
        windowed: [1h]
        expression: _.transactions[_.kind == "card"].count()
        materialization: { bucket_duration: 1m }
      home_payments:
        windowed: [1h]
        expression: _.at_home.count()
        materialization: { bucket_duration: 1m }
sources:
  users: { file: users.ndjson }
  transactions: { file: transactions.ndjson }
streams:
  user_stream:
    source: users
    message: { id: str, name: str | null, home: str | null }
    output: { User.id: _.id, User.name: _.name, User.home: _.home }
  transaction_stream:
    source: transactions
    message: { id: str, user_id: str, amount: float, items: int | null, kind: str | null, ts: datetime }
    output:
      Transaction.id: _.id
      Transaction.user_id: _.user_id
      Transaction.amount: _.amount
      Transaction.items: _.items
      Transaction.kind: _.kind
      Transaction.ts: _.ts
"""

USERS = b"""\
{"id": "u1", "name": "Ann", "home": "card"}
{"id": "u2", "name": null}
"""

TRANSACTIONS = b"""\
{"id": "t1", "user_id": "u1", "amount": 100, "items": 1, "kind": "card", "ts": "2024-03-01T11:00:30Z"}
{"id": "t2", "user_id": "u1", "amount": 10.0, "items": 2, "kind": "cash", "ts": "2024-03-01T11:49:59Z"}
{"id": "t3", "user_id": "u1", "amount": 2.5, "items": null, "kind": "card", "ts": "2024-03-01T12:50:10+01:00"}
{"id": "t4", "user_id": "u1", "amount": 4.0, "items": 4, "ts": 1709294420000}
{"id": "t5", "user_id": "u1", "amount": 8.0, "items": 5, "kind": "card", "ts": "2024-03-01T12:00:50.25Z"}
{"id": "t6", "user_id": "u3", "amount": 7.0, "ts": "2024-03-01T12:00:10Z"}
"""

NOW = "2024-03-01T12:00:30Z"


def line(**values):
    """One transaction of u1 as a line; give `None` to leave a key out."""
    message = {"id": "x", "user_id": "u1", "amount": 1.0, "ts": NOW, **values}
    return json.dumps({k: v for k, v in message.items() if v is not None}).encode() + b"\n"


class ExampleTest(unittest.TestCase):
    """A folder of its own for each test, holding the running example."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="windrow-command-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.declaration = self.path("features.yaml")
        self.data = self.path("data")
        self.write("features.yaml", DECLARATION.encode())
        self.write("users.ndjson", USERS)
        self.write("transactions.ndjson", TRANSACTIONS)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as out:
            out.write(data)

    def append(self, name, data):
        with open(self.path(name), "ab") as out:
            out.write(data)

    def run_once(self, *more, check=True, **options):
        """`windrow run --once` on the example's folder."""
        return command.run("run", self.declaration, "--data", self.data, "--once", *more,
                           check=check, **options)

    def ask(self, *features, key="u1", now=NOW, name="User"):
        """The only row of a query for one entity."""
        answer = command.query(self.data, [(name, key)], features, now)
        self.assertEqual(len(answer["rows"]), 1)
        return answer["rows"][0]

    def value(self, feature, key="u1", now=NOW):
        """The value of one window or scalar; `feature` is a full name or gives one value."""
        row = self.ask(feature, key=key, now=now)
        self.assertEqual(row["errors"], [])
        self.assertEqual(len(row["features"]), 1)
        return next(iter(row["features"].values()))["value"]

    def error(self, feature, key="u1", now=NOW):
        """The code of the error that one value gives."""
        row = self.ask(feature, key=key, now=now)
        self.assertEqual(row["features"], {})
        self.assertEqual(len(row["errors"]), 1)
        self.assertTrue(row["errors"][0]["message"])
        return row["errors"][0]["code"]

    def assert_refused(self, result, *patterns):
        """It ended by itself with an error that says each of `patterns` (regular expressions)."""
        self.assertGreater(result.code, 0, result)
        self.assertTrue(result.err.strip(), f"nothing on standard error: {result}")
        for pattern in patterns:
            if pattern:
                self.assertRegex(result.text.lower(), pattern, result)

    def assert_example_answers(self):
        """The answers of the example's input, nothing counted twice or lost."""
        row = self.ask("sum_transaction_amount", "item_count")
        self.assertEqual({k: (v["value"], v["events"]) for k, v in row["features"].items()}, {
            "user.sum_transaction_amount__600__": (14.5, 3),
            "user.sum_transaction_amount__3600__": (124.5, 5),
            "user.sum_transaction_amount__2592000__": (124.5, 5),
            "user.item_count__3600__": (12, 5)})

    def assert_same_time(self, text, wanted):
        self.assertEqual(times.parse_instant(text), times.parse_instant(wanted))
