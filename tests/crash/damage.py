"""Damaged data folders: the right answer or a clear error, never a wrong value or a crash.

    damage.py [--flips N] [--seed S] [unittest arguments]
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import unittest

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(_HERE, "..", "acceptance"))

from example import NOW, ExampleTest, line  # noqa: E402
import command  # noqa: E402

OPTIONS = argparse.Namespace(flips=12, seed=1)
_ENTITY = "an-entity-with-a-name-long-enough-to-be-found"
_KEYS = [_ENTITY] + [f"user-{i}" for i in range(200)]


class DamageTest(ExampleTest):
    def setUp(self):
        super().setUp()
        rows = [line(user_id=key, items=i, amount=i / 4, kind="card")
                for i, key in enumerate(_KEYS * 3)]
        self.write("transactions.ndjson", b"".join(rows) + b"nonsense\n")
        self.run_once("--shards", 2)
        self.whole = self.path("whole")
        shutil.copytree(self.data, self.whole)
        self.right = self.answers()

    def restore(self):
        shutil.rmtree(self.data)
        shutil.copytree(self.whole, self.data)

    def answers(self):
        answer = command.query(self.data, [("User", k) for k in _KEYS],
                               ["sum_transaction_amount", "item_count", "card_payments"], NOW)
        return [(r["features"], r["errors"]) for r in answer["rows"]]

    def files(self):
        """All files of the folder with bytes in them, largest first."""
        found = [os.path.join(at, name) for at, _, names in os.walk(self.data) for name in names]
        return sorted((f for f in found if os.path.getsize(f)), key=os.path.getsize, reverse=True)

    def try_query(self):
        return command.run("query", "--data", self.data, "--entity", f"User={_ENTITY}",
                           "--feature", "item_count", "--now", NOW, "--json")

    def assert_clear_error(self, result):
        self.assertGreater(result.code, 0, f"neither refused nor ended by itself: {result}")
        self.assertTrue(result.err.strip(), result)

    def assert_right_or_refused(self, what):
        """Every answer the folder gives is the right one, or it says that it is damaged."""
        try:
            found = self.answers()
        except command.Failed as refused:
            self.assertNotRegex(str(refused).splitlines()[0], r"ended with -\d+",
                                f"{what}: a signal ended it")
            return
        for key, wanted, got in zip(_KEYS, self.right, found):
            if got != wanted:  # an error for one entity is as honest as one for all
                self.assertTrue(got[1], f"{what}: {key} has {got}, expected {wanted}")
                for name, value in got[0].items():
                    self.assertEqual(value, wanted[0].get(name), f"{what}: {key}")

    def test_flipped_bits(self):
        rng = random.Random(OPTIONS.seed)
        for number in range(OPTIONS.flips):
            self.restore()
            files = self.files()
            path = rng.choices(files, [os.path.getsize(f) for f in files])[0]
            at, bit = rng.randrange(os.path.getsize(path)), 1 << rng.randrange(8)
            with open(path, "r+b") as data:
                data.seek(at)
                old = data.read(1)[0]
                data.seek(at)
                data.write(bytes([old ^ bit]))
            what = f"seed {OPTIONS.seed} flip {number}: bit {bit} of byte {at} of {path}"
            with self.subTest(what):
                self.assert_right_or_refused(what)
                verified = command.run("inspect", "--data", self.data, "--verify")
                self.assertGreaterEqual(verified.code, 0, f"{what}: {verified}")

    def test_verify_finds_a_changed_record(self):
        changed = 0
        for path in self.files():
            with open(path, "rb") as data:
                before = data.read()
            after = before.replace(_ENTITY.encode(), _ENTITY.replace("name", "mane").encode())
            changed += before != after
            with open(path, "wb") as data:
                data.write(after)
        if not changed:
            self.skipTest("keys are not stored as they are")
        self.assert_clear_error(command.run("inspect", "--data", self.data, "--verify"))
        self.assert_right_or_refused("a renamed key")

    def test_truncated_files(self):
        for number in range(len(self.files())):
            self.restore()
            path = self.files()[number]
            os.truncate(path, os.path.getsize(path) // 2)
            with self.subTest(path):
                self.assert_right_or_refused(f"half of {path}")

    def test_files_of_nothing_but_zeros(self):
        for number in range(len(self.files())):
            self.restore()
            path = self.files()[number]
            size = os.path.getsize(path)
            with open(path, "wb") as data:
                data.write(bytes(size))
            with self.subTest(path):
                self.assert_right_or_refused(f"zeros in {path}")

    def test_missing_files(self):
        for number in range(len(self.files())):
            self.restore()
            path = self.files()[number]
            if "lock" in os.path.basename(path):
                continue
            os.remove(path)
            with self.subTest(path):
                self.assert_right_or_refused(f"without {path}")

    def test_a_foreign_file_in_place_of_the_largest(self):
        with open(self.files()[0], "wb") as data:
            data.write(b"This is a letter to my aunt.\n" * 5000)
        self.assert_right_or_refused("a letter")

    def test_a_folder_of_something_else_is_refused(self):
        shutil.rmtree(self.data)
        os.mkdir(self.data)
        self.write("data/holiday.jpg", b"\xff\xd8\xff")
        self.assert_clear_error(self.run_once(check=False))
        self.assertEqual(os.listdir(self.data), ["holiday.jpg"])

    def test_a_file_in_place_of_the_folder_is_refused(self):
        shutil.rmtree(self.data)
        self.write("data", b"not a folder")
        self.assert_clear_error(self.run_once(check=False))
        self.assert_clear_error(self.try_query())

    def test_an_empty_folder_has_nothing_to_query(self):
        shutil.rmtree(self.data)
        os.mkdir(self.data)
        self.assert_clear_error(self.try_query())


class FullDiskTest(ExampleTest):
    """A limit on the size of files stands for a full disk: writes beyond it fail."""

    def run_limited(self, size):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return subprocess.run([command.find(), "run", self.declaration, "--data", self.data,
                               "--once"], preexec_fn=limit, capture_output=True, timeout=120,
                              check=False)

    def setUp(self):
        super().setUp()
        self.write("transactions.ndjson", b"".join(
            line(user_id=f"user-{i % 5000}", items=i) for i in range(30000)))

    def test_it_is_said_at_once(self):
        done = self.run_limited(64 << 10)
        self.assertGreater(done.returncode, 0, done)
        self.assertTrue(done.stderr.strip())

    def test_with_room_again_the_run_continues(self):
        for size in (16 << 10, 100 << 10, 300 << 10, 1 << 20):
            self.run_limited(size)
        self.run_once()
        self.assertEqual(self.value("item_count", key="user-7"),
                         sum(i for i in range(30000) if i % 5000 == 7))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=12, help="how many single bits to flip")
    parser.add_argument("--seed", type=int, default=1)
    OPTIONS, rest = parser.parse_known_args()
    command.require()
    unittest.main(argv=["damage.py", *rest])
