"""`windrow source`: what is seen of sources, pause and resume, seek, reset; also killed on the way."""

import json
import os
import random
import time
import unittest

import command
from example import TRANSACTIONS, ExampleTest, line

COUNTS = {"read", "applied", "skipped", "duplicates", "late", "dead_letters"}


class SourceTest(ExampleTest):
    def source(self, *arguments, check=True):
        return command.run("source", *arguments, "--data", self.data, check=check)

    def json(self, *arguments):
        out = self.source(*arguments, "--json").out
        self.assertEqual(out.count("\n"), 1, out)
        return json.loads(out)

    def listed(self, name="transactions"):
        found = [s for s in self.json("list")["sources"] if s["source"] == name]
        self.assertEqual(len(found), 1)
        return found[0]

    def partition(self, name="transactions"):
        parts = self.listed(name)["partitions"]
        self.assertEqual(len(parts), 1, parts)
        return parts[0]

    def sum(self):
        return self.value("sum_transaction_amount[30d]")


class ListTest(SourceTest):
    def test_a_stopped_folder(self):
        self.append("transactions.ndjson", b"not json\n")
        self.run_once()
        size = os.path.getsize(self.path("transactions.ndjson"))
        all_sources = self.json("list")["sources"]
        self.assertEqual([s["source"] for s in all_sources], ["transactions", "users", "journal"])
        for s in all_sources:
            self.assertEqual(set(s), {"source", "kind", "unit", "state", "reason", "partitions"})
            self.assertEqual((s["state"], s["reason"]), ("stopped", None))
        one = self.partition()
        self.assertLessEqual(COUNTS, set(one))
        self.assertEqual(one["partition"], self.path("transactions.ndjson"))
        self.assertEqual((one["position"], one["end"], one["lag"]), (size, size, 0))
        self.assertEqual(one["dead_letters"], 1)

    def test_what_is_left_is_lag(self):
        self.run_once()
        self.append("transactions.ndjson", line())
        self.assertEqual(self.partition()["lag"], len(line()))

    def test_a_table(self):
        self.run_once()
        text = self.source("list").out
        for word in ("transactions.ndjson", "stopped", "journal", "position", "dead letters"):
            self.assertIn(word, text)

    def test_a_folder_that_is_not_there(self):
        self.assert_refused(self.source("list", check=False), "data")
        self.assertFalse(os.path.exists(self.data))

    def test_before_anything_was_read(self):
        self.write("transactions.ndjson", b"")
        self.run_once()
        self.assertEqual(self.listed()["partitions"], [])


class NamesTest(SourceTest):
    def test_a_source_that_is_not_declared(self):
        self.run_once()
        for words in (["pause"], ["resume"], ["reset"], ["seek", "--to", "latest"]):
            with self.subTest(words=words):
                self.assert_refused(self.source(words[0], "payments", *words[1:], check=False),
                                    "payments", "transactions, users")

    def test_a_partition_that_is_not_there(self):
        self.run_once()
        self.assert_refused(self.source("pause", "transactions", "--partition", "7", check=False),
                            "7", r"transactions\.ndjson")
        self.assert_refused(self.source("seek", "transactions", "--partition", "7", "--to", "latest",
                                        check=False), "7", r"transactions\.ndjson")

    def test_places_that_are_none(self):
        self.run_once()
        for place in ("somewhere", "-1", "12x", "2026-13-01T00:00:00Z"):
            with self.subTest(place=place):
                said = self.source("seek", "transactions", f"--to={place}", check=False)
                self.assertEqual(said.code, 2, said)
                self.assertIn("earliest", said.err)

    def test_places_that_a_file_does_not_have(self):
        self.append("transactions.ndjson", b'{"id"')
        self.write("users.ndjson", b"")
        self.source("list", check=False)
        self.assertEqual(command.run("run", self.declaration, "--data", self.data, "--once").code, 0)
        self.assert_refused(self.source("seek", "transactions", "--to", "999999", check=False),
                            "999999", "bytes")
        self.assert_refused(self.source("seek", "transactions", "--to", "2026-03-01T00:00:00Z",
                                        check=False), "time")
        self.assert_refused(self.source("seek", "users", "--to", "latest", check=False),
                            "nothing of the source `users`")


class PauseTest(SourceTest):
    def test_a_paused_source_is_not_read_until_it_is_resumed(self):
        self.run_once()
        self.append("transactions.ndjson", line(amount=1000))
        done = self.json("pause", "transactions")
        self.assertEqual(done["source"], "transactions")
        self.assertEqual(done["partitions"][0]["partition"], self.path("transactions.ndjson"))
        for _ in range(2):  # also over a restart
            self.assertEqual(self.listed()["state"], "paused")
            self.run_once()
            self.assert_example_answers()
        self.json("resume", "transactions")
        self.assertEqual(self.listed()["state"], "stopped")
        self.run_once()
        self.assertEqual(self.sum(), 1124.5)

    def test_the_others_go_on(self):
        self.run_once()
        self.source("pause", "transactions")
        self.append("transactions.ndjson", line(amount=1000))
        self.append("users.ndjson", b'{"id": "u9", "name": "Zoe"}\n')
        self.run_once()
        self.assertEqual(self.ask("name", key="u9")["features"]["user.name"]["value"], "Zoe")
        self.assert_example_answers()

    def test_before_the_first_line(self):
        self.write("transactions.ndjson", b"")
        self.run_once()
        self.source("pause", "transactions")
        self.write("transactions.ndjson", TRANSACTIONS)
        self.run_once()
        self.assertEqual(self.sum(), 0)
        self.source("resume", "transactions")
        self.run_once()
        self.assert_example_answers()

    def test_one_partition(self):
        self.run_once()
        self.append("transactions.ndjson", line(amount=1000))
        self.source("pause", "transactions", "--partition", self.path("transactions.ndjson"))
        self.run_once()
        self.assert_example_answers()
        self.source("resume", "transactions", "--partition", self.path("transactions.ndjson"))
        self.run_once()
        self.assertEqual(self.sum(), 1124.5)

    def test_resuming_what_is_not_paused(self):
        self.run_once()
        self.assertIn("was not paused", self.source("resume", "transactions").out)


class SeekTest(SourceTest):
    LINES = TRANSACTIONS.splitlines(True)

    def behind(self, count):
        return sum(map(len, self.LINES[:count]))

    def test_ahead_passes_over_lines(self):
        self.write("transactions.ndjson", b"".join(self.LINES[:1]))
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS)
        done = self.json("seek", "transactions", "--to", self.behind(4))
        step = done["partitions"][0]
        self.assertEqual((step["before"], step["after"], step["skipped"], step["unit"]),
                         (self.behind(1), self.behind(4), self.behind(4) - self.behind(1), "bytes"))
        self.assertEqual(self.partition()["position"], self.behind(4))
        for _ in range(2):
            self.run_once()
            self.assertEqual(self.sum(), 100 + 8.0)
        self.assertEqual(self.partition()["lag"], 0)

    def test_into_a_line_goes_on_behind_it(self):
        self.write("transactions.ndjson", b"".join(self.LINES[:1]))
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS)
        step = self.json("seek", "transactions", "--to", self.behind(1) + 3)["partitions"][0]
        self.assertEqual(step["after"], self.behind(2))

    def test_to_the_end(self):
        self.run_once()
        self.append("transactions.ndjson", line(amount=1000) + b'{"id": "half')
        said = self.source("seek", "transactions", "--to", "latest").out
        self.assertIn(f"passing over {len(line(amount=1000))} bytes", said)
        self.append("transactions.ndjson", b'": 1}\n' + line(amount=5))
        self.run_once()
        self.assertEqual(self.sum(), 129.5)

    def test_back_counts_nothing_and_says_so(self):
        self.run_once()
        for place in ("earliest", "0", str(self.behind(2))):
            with self.subTest(place=place):
                said = self.source("seek", "transactions", "--to", place).out
                self.assertIn("what was applied stays applied once", said)
                self.assertIn("windrow source reset transactions", said)
                step = self.json("seek", "transactions", "--to", place)["partitions"][0]
                self.assertEqual((step["before"], step["after"], step["skipped"]),
                                 (len(TRANSACTIONS), len(TRANSACTIONS), 0))
                self.run_once()
                self.assert_example_answers()

    def test_a_seek_that_no_run_has_followed_can_be_taken_back(self):
        self.write("transactions.ndjson", b"".join(self.LINES[:1]))
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS)
        self.source("seek", "transactions", "--to", "latest")
        step = self.json("seek", "transactions", "--to", self.behind(3))["partitions"][0]
        self.assertEqual(step["after"], self.behind(3))
        step = self.json("seek", "transactions", "--to", "earliest")["partitions"][0]
        self.assertEqual(step["after"], self.behind(1))
        self.run_once()
        self.assert_example_answers()

    def test_of_a_paused_source(self):
        self.write("transactions.ndjson", b"".join(self.LINES[:1]))
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS)
        self.source("pause", "transactions")
        self.source("seek", "transactions", "--to", self.behind(4))
        self.run_once()
        self.assertEqual(self.sum(), 100)
        self.source("resume", "transactions")
        self.run_once()
        self.assertEqual(self.sum(), 108)


class ResetTest(SourceTest):
    def test_everything_counts_again(self):
        self.run_once()
        for times in (2, 3):
            done = self.json("reset", "transactions")
            self.assertEqual(done["partitions"][0]["partition"], self.path("transactions.ndjson"))
            self.assertEqual(self.partition()["position"], 0)
            self.run_once()
            self.assertEqual(self.sum(), times * 124.5)

    def test_twice_in_a_row_counts_once_more(self):
        self.run_once()
        self.source("reset", "transactions")
        self.source("reset", "transactions")
        self.run_once()
        self.assertEqual(self.sum(), 2 * 124.5)

    def test_a_file_that_was_replaced(self):
        self.run_once()
        self.write("transactions.ndjson", line(amount=1))
        self.assert_refused(self.run_once(check=False), "windrow source reset transactions")
        self.source("reset", "transactions")
        self.run_once()
        self.assertEqual(self.sum(), 125.5)

    def test_a_file_in_another_place(self):
        self.write("other.ndjson", TRANSACTIONS)
        self.run_once("--input", f"transactions={self.path('other.ndjson')}")
        self.source("reset", "transactions", "--input", self.path("other.ndjson"))
        self.run_once("--input", f"transactions={self.path('other.ndjson')}")
        self.assertEqual(self.sum(), 2 * 124.5)

    def test_nothing_read_yet(self):
        self.write("transactions.ndjson", b"")
        self.run_once()
        self.assert_refused(self.source("reset", "transactions", check=False), "transactions")

    def test_an_empty_file(self):
        self.run_once()
        self.write("transactions.ndjson", b"")
        self.assert_refused(self.source("reset", "transactions", check=False), "empty")


class IsolationTest(SourceTest):
    def test_a_failed_source_leaves_the_others(self):
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS[:200])
        self.append("users.ndjson", b'{"id": "u9", "name": "Zoe"}\n')
        said = self.run_once(check=False)
        self.assertEqual(said.code, 1)
        self.assertIn("source `transactions` has stopped", said.err)
        self.assertRegex(said.out, r"failed\s+transactions: ")
        self.assertRegex(said.out, r"read\s+1 message\n")
        self.assertEqual(self.ask("name", key="u9")["features"]["user.name"]["value"], "Zoe")
        self.assert_example_answers()

    def test_a_device_makes_no_folder(self):
        said = self.run_once("--input", "users=/dev/null", check=False)
        self.assert_refused(said, "/dev/null", "regular file")
        self.assertFalse(os.path.exists(self.data))


class RunningTest(SourceTest):
    """The same commands while a node follows the files."""

    def setUp(self):
        super().setUp()
        self.process = command.start("run", self.declaration, "--data", self.data,
                                     log=self.path("log"))
        self.addCleanup(lambda: self.process.poll() is None and command.kill(self.process))
        self.wait(lambda: self.states() == {"transactions": "running", "users": "running",
                                            "journal": "running"})
        self.caught_up()

    def wait(self, true):
        until = time.monotonic() + 30
        while not true():
            self.assertLess(time.monotonic(), until, "it did not come to that")
            time.sleep(0.05)

    def states(self):
        said = self.source("list", "--json", check=False)
        if said.code != 0:
            return None
        return {s["source"]: s["state"] for s in json.loads(said.out)["sources"]}

    def caught_up(self):
        size = os.path.getsize(self.path("transactions.ndjson"))
        self.wait(lambda: self.partition()["position"] == size)

    def test_what_is_seen(self):
        one = self.partition()
        self.assertEqual((one["lag"], one["read"], one["applied"]), (0, 6, 6))
        self.assertIn("running", self.source("list").out)

    def test_pause_and_resume(self):
        self.json("pause", "transactions")
        self.append("transactions.ndjson", line(amount=1000))
        self.assertEqual(self.states()["transactions"], "paused")
        self.assertEqual(self.partition()["lag"], len(line(amount=1000)))
        self.assert_example_answers()
        self.json("resume", "transactions")
        self.caught_up()
        self.wait(lambda: self.sum() == 1124.5)

    def test_seek(self):
        self.source("pause", "transactions")
        self.append("transactions.ndjson", line(amount=1000))
        said = self.source("seek", "transactions", "--to", "latest").out
        self.assertIn(f"passing over {len(line(amount=1000))} bytes", said)
        self.source("resume", "transactions")
        self.append("transactions.ndjson", line(amount=5))
        self.caught_up()
        self.wait(lambda: self.sum() == 129.5)
        command.kill(self.process)
        self.run_once()
        self.assertEqual(self.sum(), 129.5)

    def test_reset(self):
        self.source("reset", "transactions")
        self.caught_up()
        self.wait(lambda: self.sum() == 2 * 124.5)

    def test_names(self):
        self.assert_refused(self.source("pause", "payments", check=False), "payments", "users")
        self.assert_refused(self.source("seek", "transactions", "--to", "999999", check=False),
                            "999999")

    def test_a_failed_source_is_seen_and_tried_again(self):
        self.write("transactions.ndjson", TRANSACTIONS[:200])
        self.wait(lambda: self.states()["transactions"] == "failed")
        self.assertRegex(self.listed()["reason"], "shorter")
        self.write("transactions.ndjson", TRANSACTIONS + line(amount=5))
        self.source("resume", "transactions")
        self.wait(lambda: self.sum() == 129.5)

    def test_dead_letters_leave(self):
        self.append("transactions.ndjson", b"not json\n")
        self.wait(lambda: self.partition()["dead_letters"] == 1)
        out = command.run("deadletters", "replay", "--data", self.data, "--json", check=True).out
        self.assertEqual(json.loads(out), {"replayed": 1, "cut": 0, "undeclared": 0})
        self.wait(lambda: '"found": 1' in command.run("deadletters", "list", "--data", self.data,
                                                      "--json", check=True).out)
        out = command.run("deadletters", "drop", "--data", self.data, "--json", check=True).out
        self.assertEqual(json.loads(out), {"dropped": 1})


class LeavingLettersTest(SourceTest):
    """`windrow deadletters replay` and `drop` of a stopped folder."""

    def letters(self, *arguments, check=True):
        return command.run("deadletters", *arguments, "--data", self.data, check=check)

    def found(self):
        return json.loads(self.letters("list", "--json").out)["found"]

    def test_replayed_letters_that_fail_again_are_letters_again(self):
        self.append("transactions.ndjson", b"not json\n" + line(amount=True))
        self.run_once()
        self.assertEqual(self.found(), 2)
        self.assertIn("replayed 1 dead letter\n", self.letters("replay", "--reason", "type").out)
        self.assertEqual(self.found(), 2)
        self.assert_example_answers()

    def test_a_letter_whose_time_has_come_counts_once(self):
        soon = time.time() + 308  # beyond max_future_skew now, within it in a moment
        self.append("transactions.ndjson", line(amount=64.0, ts=int(soon * 1000)))
        self.run_once()
        self.assertEqual(self.found(), 1)
        until = time.monotonic() + 60
        while self.found() == 1:  # until then it becomes a letter again
            self.assertLess(time.monotonic(), until)
            out = json.loads(self.letters("replay", "--json").out)
            self.assertEqual(out, {"replayed": 1, "cut": 0, "undeclared": 0})
            time.sleep(0.2)
        self.assertEqual(json.loads(self.letters("replay", "--json").out)["replayed"], 0)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon + 1))
        self.assertEqual(self.value("sum_transaction_amount[10m]", now=now), 64.0)
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]", now=now), 64.0)

    def test_dropped_letters_stay_counted(self):
        self.append("transactions.ndjson", b"not json\n" + line(amount=True))
        self.run_once()
        self.assertEqual(json.loads(self.letters("drop", "--source", "users", "--json").out),
                         {"dropped": 0})
        self.assertIn("dropped 2 dead letters", self.letters("drop", "--source", "transactions").out)
        self.assertEqual(self.found(), 0)
        self.assertEqual(self.partition()["dead_letters"], 2)
        self.run_once()
        self.assertEqual(self.found(), 0)

    def test_names(self):
        self.run_once()
        self.assert_refused(self.letters("replay", "--source", "payments", check=False), "payments",
                            "users")
        self.assert_refused(self.letters("drop", "--at", "soon", check=False), "soon")
        self.assertIn("dropped 0 dead letters", self.letters("drop").out)

    def test_a_folder_that_is_not_there(self):
        self.assert_refused(self.letters("drop", check=False), "data")
        self.assertFalse(os.path.exists(self.data))


class KillTest(SourceTest):
    """kill -9 on the way: what was passed over is passed over whole, or not at all."""

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SEED", "7"))
        self.random = random.Random(self.seed)
        self.lines = [line(id=f"t{i}", user_id=f"u{i % 50}", amount=float(2 ** (i % 20)))
                      for i in range(4000)]
        self.write("transactions.ndjson", b"".join(self.lines))
        self.write("users.ndjson", b"")

    def total(self):
        rows = command.query(self.data, [("User", f"u{i}") for i in range(50)],
                             ["sum_transaction_amount[30d]"], "2024-03-01T12:00:30Z")["rows"]
        return sum(next(iter(r["features"].values()))["value"] for r in rows)

    def expected(self, before, after):
        """The lines that end at or before `before` or begin at or after `after`."""
        at = total = 0
        for text in self.lines:
            begin, at = at, at + len(text)
            if at <= before or begin >= after:
                total += json.loads(text)["amount"]
        return total

    def run_and_kill(self):
        process = command.start("run", self.declaration, "--data", self.data, "--checkpoint", "1ms",
                                "--shards", "3", log=self.path("log"))
        time.sleep(self.random.uniform(0.02, 0.12))
        command.kill(process)

    def test_a_seek_is_exact_however_the_runs_around_it_end(self):
        for turn in range(4):
            with self.subTest(seed=self.seed, turn=turn):
                self.data = self.path(f"data-{turn}")
                self.write("transactions.ndjson", b"".join(self.lines[:2000]))
                while not os.path.exists(os.path.join(self.data, "node.meta")):
                    self.run_and_kill()
                self.run_and_kill()
                if not self.listed()["partitions"]:
                    self.run_once("--shards", "3")
                self.write("transactions.ndjson", b"".join(self.lines))
                step = self.json("seek", "transactions", "--to", sum(map(len, self.lines[:3000])))
                step = step["partitions"][0]
                self.run_and_kill()
                self.run_and_kill()
                self.run_once("--shards", "3")
                self.assertEqual(self.total(), self.expected(step["before"], step["after"]))

    def test_a_killed_seek_has_happened_or_has_not(self):
        self.write("transactions.ndjson", b"".join(self.lines[:2000]))
        self.run_once()
        self.write("transactions.ndjson", b"".join(self.lines))
        before = self.partition()["position"]
        for turn in range(12):
            target = sum(map(len, self.lines[:2010 + 20 * turn]))
            process = command.start("source", "seek", "transactions", "--data", self.data, "--to",
                                    str(target), log=self.path("log"))
            time.sleep(self.random.uniform(0.0, 0.05))
            command.kill(process)
            now = self.partition()["position"]
            self.assertIn(now, (before, target), f"seed {self.seed}, turn {turn}")
            before = now
        self.run_once()
        self.assertEqual(self.total(), self.expected(sum(map(len, self.lines[:2000])), before))


if __name__ == "__main__":
    unittest.main()
