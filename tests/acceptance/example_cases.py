"""The examples of `examples/`: what the command answers is what their `expected.py` calculates."""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import command

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


class ExpectedTest(unittest.TestCase):
    def compare(self, example, now):
        folder = os.path.join(EXAMPLES, example)
        data = tempfile.mkdtemp(prefix="windrow-example-")
        self.addCleanup(shutil.rmtree, data, ignore_errors=True)
        command.run("run", os.path.join(folder, "features.yaml"), "--data", data, "--once", check=True)
        expected = json.loads(subprocess.run(
            [sys.executable, "-B", os.path.join(folder, "expected.py"), "--now", now],
            capture_output=True, check=True, timeout=60).stdout)
        self.assertEqual(expected["now"], now)
        entities = [(row["entity"], row["key"]) for row in expected["rows"]]
        self.assertGreater(len(entities), 2)
        answer = command.query(data, entities, sorted(expected["rows"][0]["features"]), now)
        for wanted, row in zip(expected["rows"], answer["rows"], strict=True):
            self.assertEqual((row["entity"], row["key"], row["errors"]),
                             (wanted["entity"], wanted["key"], []))
            self.assertEqual(set(row["features"]), set(wanted["features"]))
            for name, value in wanted["features"].items():
                self.assert_same(row["features"][name], value, f"{row['key']} {name} at {now}")

    def assert_same(self, found, wanted, what):
        """Floats up to rounding: both sides add in an order of their own."""
        self.assertEqual(found | {"value": 0}, wanted | {"value": 0}, what)
        if isinstance(wanted["value"], float):
            self.assertTrue(math.isclose(found["value"], wanted["value"], rel_tol=1e-9),
                            f"{what}: {found['value']} and not {wanted['value']}")
        else:
            self.assertEqual(found["value"], wanted["value"], what)

    def test_flights(self):
        self.compare("flights", "2001-03-29T21:10:00Z")
        self.compare("flights", "2001-03-31T22:30:00Z")

    def test_transactions(self):
        self.compare("transactions", "2026-03-01T12:30:00Z")
