"""`windrow run`: once, again, with more input, with other input, in the background, by signal."""

import json
import os
import signal
import subprocess
import time
import unittest

import command
from example import DECLARATION, NOW, TRANSACTIONS, USERS, ExampleTest, line


class RunTest(ExampleTest):
    def test_once_ends_with_the_answers(self):
        self.run_once()
        self.assert_example_answers()

    def test_the_summary(self):
        self.append("transactions.ndjson", b"not json\n" + line(ts="2023-01-01T00:00:00Z"))
        said = command.summary(self.run_once().text)
        self.assertEqual({k: said.get(k) for k in ("read", "applied", "skipped", "dead")},
                         {"read": 10, "applied": 9, "skipped": 0, "dead": 1})
        self.assertGreater(said.get("late", 0), 0)

    def test_again_applies_nothing_twice(self):
        self.run_once()
        said = command.summary(self.run_once().text)
        self.assertEqual(said.get("applied"), 0)
        self.assert_example_answers()

    def test_appended_lines_continue(self):
        self.write("transactions.ndjson", b"".join(TRANSACTIONS.splitlines(True)[:2]))
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS)
        self.run_once()
        self.assert_example_answers()

    def test_an_empty_file_that_grows(self):
        self.write("transactions.ndjson", b"")
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS)
        self.run_once()
        self.assert_example_answers()

    def test_a_last_line_without_newline_counts(self):
        self.write("transactions.ndjson", TRANSACTIONS.rstrip(b"\n"))
        self.run_once()
        self.assert_example_answers()
        self.assertEqual(self.value("sum_transaction_amount[10m]", key="u3"), 7.0)

    def test_a_last_line_that_gets_its_newline_later_counts_once(self):
        self.write("transactions.ndjson", TRANSACTIONS.rstrip(b"\n"))
        self.run_once()
        self.append("transactions.ndjson", b"\n" + line(amount=1.0))
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 15.5)
        self.assertEqual(self.value("sum_transaction_amount[10m]", key="u3"), 7.0)

    def test_windows_line_ends(self):
        self.write("transactions.ndjson", TRANSACTIONS.replace(b"\n", b"\r\n"))
        self.run_once()
        self.assert_example_answers()

    def test_a_shorter_file_is_refused(self):
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS[:200])
        self.assert_refused(self.run_once(check=False), "transactions", "short")
        self.assert_example_answers()

    def test_a_different_file_is_refused(self):
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS.replace(b"t1", b"T1") + TRANSACTIONS)
        self.assert_refused(self.run_once(check=False), "transactions")
        self.assert_example_answers()

    def test_the_message_about_another_file_names_the_command_that_resolves_it(self):
        self.run_once()
        self.write("transactions.ndjson", TRANSACTIONS[:200])
        self.assert_refused(self.run_once(check=False), "windrow ")

    def test_every_shard_count_answers_alike(self):
        for shards in (1, 3, 8):
            with self.subTest(shards=shards):
                self.data = self.path(f"data-{shards}")
                self.run_once("--shards", shards)
                self.assert_example_answers()

    def test_another_shard_count_is_refused(self):
        self.run_once("--shards", 2)
        self.assert_refused(self.run_once("--shards", 3, check=False), "shard", "2", "3")
        self.assert_example_answers()

    def test_another_catalog_is_refused(self):
        self.run_once()
        self.write("features.yaml", DECLARATION.replace("[10m, 1h, 30d]", "[10m, 2h, 30d]").encode())
        self.assert_refused(self.run_once(check=False), "catalog|declaration|definition")
        self.assert_example_answers()

    def test_another_spelling_of_the_same_catalog_is_the_same(self):
        self.run_once()
        self.write("features.yaml", b"# A comment.\n" + DECLARATION.replace(
            "[10m, 1h, 30d]", "[ 600s, 60m, 4w2d ]").encode())
        self.run_once()
        self.assert_example_answers()

    def test_a_broken_declaration_leaves_the_folder_alone(self):
        self.run_once()
        self.write("features.yaml", DECLARATION.replace("name: str", "name: string").encode())
        self.assert_refused(self.run_once(check=False), r"features\.yaml:9:\d+")
        self.assert_example_answers()

    def test_a_broken_declaration_makes_no_folder(self):
        self.write("features.yaml", b"features: [\n")
        self.assert_refused(self.run_once(check=False))
        self.assert_refused(command.run("query", "--data", self.data, "--entity", "User=u1",
                                        "--feature", "name"))

    def test_a_missing_input_is_said(self):
        self.assert_refused(self.run_once("--input", f"users={self.path('gone.ndjson')}",
                                          check=False), "gone.ndjson")

    def test_an_input_for_a_source_that_is_not_declared(self):
        self.assert_refused(self.run_once("--input", "people=x.ndjson", check=False), "people")

    def test_an_input_in_another_place(self):
        self.write("moved.ndjson", TRANSACTIONS)
        self.write("transactions.ndjson", b"")
        self.run_once("--input", f"transactions={self.path('moved.ndjson')}")
        self.assert_example_answers()

    def test_standard_input(self):
        self.run_once("--input", "transactions=-", stdin=TRANSACTIONS)
        self.assert_example_answers()

    def test_standard_input_without_a_last_newline(self):
        self.run_once("--input", "transactions=-", stdin=TRANSACTIONS.rstrip(b"\n"))
        self.assertEqual(self.value("sum_transaction_amount[10m]", key="u3"), 7.0)

    def test_a_line_of_standard_input_that_is_too_long_is_counted(self):
        said = command.summary(self.run_once("--input", "transactions=-",
                                             stdin=b"x" * (11 << 20) + b"\n" + TRANSACTIONS).text)
        self.assertEqual((said.get("read"), said.get("dead")),
                         (len(TRANSACTIONS.splitlines()) + len(USERS.splitlines()) + 1, 1))
        self.assert_example_answers()

    def test_each_run_of_standard_input_is_new(self):
        self.run_once("--input", "transactions=-", stdin=TRANSACTIONS)
        self.run_once("--input", "transactions=-", stdin=TRANSACTIONS)
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 29.0)

    def acknowledge(self, lines, *more, **options):
        return self.run_once("--input", "transactions=-", "--ack", *more, stdin=lines, **options)

    def said(self, result):
        return [json.loads(text) for text in result.out.splitlines()]

    def test_acknowledged_lines_are_all_that_is_said_on_standard_output(self):
        done = self.acknowledge(b"\n" + TRANSACTIONS)
        self.assertEqual(self.said(done)[-1], {"acknowledged": 7})
        self.assertEqual({tuple(said) for said in self.said(done)}, {("acknowledged",)})
        self.assertEqual(command.summary(done.err)["read"], 8)
        self.assert_example_answers()

    def test_lines_of_a_producer_count_once(self):
        for last in (0, 6, 6):
            done = self.acknowledge(TRANSACTIONS, "--producer", "till 4")
            self.assertEqual(self.said(done)[0], {"producer": "till 4", "sequence": last})
            self.assertEqual(self.said(done)[-1], {"acknowledged": 6})
        self.assert_example_answers()

    def test_lines_of_a_producer_go_on(self):
        rows = TRANSACTIONS.splitlines(True)
        self.acknowledge(b"".join(rows[:4]), "--producer", "p")
        done = self.acknowledge(b"".join(rows[2:]), "--producer", "p", "--sequence", "3")
        self.assertEqual(self.said(done)[-1], {"acknowledged": 4})
        self.assert_example_answers()

    def test_half_a_line_of_a_producer_that_died_is_not_taken(self):
        cut = TRANSACTIONS.index(b'"u1", "amount": 4.0')
        died = self.acknowledge(TRANSACTIONS[:cut], "--producer", "p", check=False)
        self.assert_refused(died, "line 4", "no line end")
        self.assertEqual(self.said(died)[-1], {"acknowledged": 3})
        done = self.acknowledge(TRANSACTIONS, "--producer", "p")
        self.assertEqual(self.said(done)[-1], {"acknowledged": 6})
        self.assert_example_answers()

    def test_half_a_line_of_a_file_counts_once_it_is_whole(self):
        cut = TRANSACTIONS.index(b'"u1", "amount": 4.0')
        self.write("transactions.ndjson", TRANSACTIONS[:cut])
        self.assertIn("ends within a line", self.run_once().text)
        self.append("transactions.ndjson", TRANSACTIONS[cut:])
        self.run_once()
        self.assert_example_answers()

    def test_two_producers_push_the_same(self):
        for name in ("p", "q"):
            self.acknowledge(TRANSACTIONS, "--producer", name)
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 29.0)

    def test_other_lines_of_a_producer_are_refused(self):
        self.acknowledge(TRANSACTIONS, "--producer", "p")
        other = TRANSACTIONS.replace(b'"amount": 7.0', b'"amount": 8.0')
        self.assert_refused(self.acknowledge(other, "--producer", "p", check=False),
                            "sequence 6", "`p`", "other content", "line 1")
        self.assert_example_answers()

    def test_lines_that_leave_a_gap_are_refused(self):
        self.acknowledge(TRANSACTIONS, "--producer", "p")
        self.assert_refused(
            self.acknowledge(TRANSACTIONS, "--producer", "p", "--sequence", "8", check=False),
            "gap", "7 is expected")
        self.assert_example_answers()

    def test_a_line_that_is_too_long_is_acknowledged_and_is_one_dead_letter(self):
        for _ in range(2):
            done = self.acknowledge(b"x" * (11 << 20) + b"\n" + TRANSACTIONS, "--producer", "p")
            self.assertEqual(self.said(done)[-1], {"acknowledged": 7})
        letters = command.run("deadletters", "list", "--data", self.data, "--json", check=True)
        self.assertEqual([letter["reason"] for letter in json.loads(letters.out)["letters"]],
                         ["too_long"])
        self.assert_example_answers()

    def test_acknowledging_needs_standard_input(self):
        self.assert_refused(self.run_once("--ack", check=False), "--input source=-")
        self.assertEqual(self.run_once("--ack", check=False).code, 2)

    def test_a_producer_needs_a_name_and_acknowledgements(self):
        for more in (["--producer", "p"], ["--ack", "--producer", ""], ["--ack", "--sequence", "2"],
                     ["--ack", "--producer", "p", "--sequence", "0"]):
            with self.subTest(more=more):
                refused = self.run_once("--input", "transactions=-", *more, check=False)
                self.assertEqual(refused.code, 2, refused)
        self.assert_refused(self.acknowledge(b"", "--producer", "n" * 257, check=False), "256 bytes")

    def test_a_memory_budget(self):
        self.run_once("--memory", 64 << 20)
        self.assert_example_answers()

    def test_an_unreadable_checkpoint_interval(self):
        self.assert_refused(self.run_once("--checkpoint", "often", check=False), "often")

    def test_an_opt_out_stream_updates_scalars_only(self):
        self.write("features.yaml", DECLARATION.replace(
            "  transaction_stream:\n", "  transaction_stream:\n"
            "    updates_materialized_aggregations: false\n").encode())
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 0)

    def test_parse_null_skips_the_message(self):
        self.write("features.yaml", DECLARATION.replace(
            "    source: transactions\n", "    source: transactions\n    parse: _.kind\n").encode())
        said = command.summary(self.run_once().text)
        self.assertEqual((said.get("skipped"), said.get("applied")), (2, 6))
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 10.5)

    def test_an_unknown_option(self):
        self.assert_refused(self.run_once("--frobnicate", check=False), "frobnicate")

    def test_help(self):
        text = command.run("run", "--help", check=True).out
        for option in ("--data", "--once", "--input", "--shards", "--memory", "--checkpoint"):
            self.assertIn(option, text)


class StandardInputTest(ExampleTest):
    def start(self, source, **streams):
        return subprocess.Popen(
            [command.find(), "run", self.declaration, "--data", self.data, "--input",
             "transactions=-", "--input", f"users={self.path('users.ndjson')}", *source],
            stderr=subprocess.PIPE, **streams)

    def test_a_signal_ends_a_line_that_does_not(self):
        with open("/dev/zero", "rb") as zeros:
            run = self.start((), stdin=zeros, stdout=subprocess.DEVNULL)
        self.addCleanup(run.kill)
        self.addCleanup(run.stderr.close)
        end = time.monotonic() + 20
        with open(f"/proc/{run.pid}/io", encoding="utf-8") as text:
            while int(text.readline().split()[1]) < 64 << 20:  # it is in the middle of it
                self.assertLess(time.monotonic(), end)
                text.seek(0)
                time.sleep(0.02)
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(30), 0, run.stderr.read())

    def test_an_acknowledgement_that_nobody_takes_ends_the_reading(self):
        """A producer that hears nothing is not read on."""
        with open("/dev/full", "wb") as full:
            run = self.start(("--ack",), stdin=subprocess.PIPE, stdout=full)
        self.addCleanup(run.kill)
        self.addCleanup(run.stderr.close)
        run.stdin.write(line(id="a"))
        run.stdin.flush()
        said = b""
        while b"cannot write" not in said:
            more = run.stderr.readline()
            self.assertTrue(more, said)
            said += more
        try:
            run.stdin.write(line(id="b"))
            run.stdin.close()
        except BrokenPipeError:
            pass
        run.send_signal(signal.SIGTERM)
        said = (said + run.stderr.read()).decode()
        run.wait(30)
        self.assertEqual(run.returncode, 1, said)
        self.assertIn("cannot write the answer: No space left on device", said)
        self.assertEqual(command.summary(said).get("read"), 3, said)  # and two users


class BackgroundTest(ExampleTest):
    """Runs that follow their files."""

    def start(self, *more):
        process = command.start("run", self.declaration, "--data", self.data, "--checkpoint", "1s",
                                *more, log=self.path("log"))
        self.addCleanup(lambda: process.poll() is None and command.kill(process))
        return process

    def wait_until_in_use(self):
        """Waits for the node to hold the folder and to answer."""
        until = time.monotonic() + 20
        said = None
        while time.monotonic() < until:
            said = command.run("deadletters", "list", "--connect",
                               os.path.join(self.data, "socket"))
            if said.code == 0:
                return
            time.sleep(0.05)
        self.fail(f"nobody answered for the folder: {said}")

    def wait_until_applied(self):
        """Waits for the running node to give the answers of the example."""
        self.wait_until_in_use()
        until = time.monotonic() + 20
        while True:
            try:
                return self.assert_example_answers()
            except (AssertionError, command.Failed):
                if time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def stop(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.wait(30), 0)

    def test_a_folder_in_use_is_not_opened_by_a_run(self):
        self.start()
        self.wait_until_in_use()
        self.assert_refused(self.run_once(check=False), "in use|running|another process|busy")

    def test_terminate_checkpoints_and_exits_with_zero(self):
        process = self.start()
        self.wait_until_applied()
        self.stop(process)
        self.assert_example_answers()

    def test_interrupt_does_the_same(self):
        process = self.start()
        self.wait_until_applied()
        self.stop(process, signal.SIGINT)
        self.assert_example_answers()

    def test_terminate_at_once_loses_nothing(self):
        process = self.start()
        self.wait_until_in_use()
        self.stop(process)
        self.run_once()
        self.assert_example_answers()

    def test_a_file_is_followed_while_it_grows(self):
        rows = TRANSACTIONS.splitlines(True)
        self.write("transactions.ndjson", b"".join(rows[:2]) + rows[2][:30])
        process = self.start()
        self.wait_until_in_use()
        self.append("transactions.ndjson", rows[2][30:] + b"".join(rows[3:]))
        self.wait_until_applied()
        self.stop(process)
        self.assert_example_answers()

    def test_after_kill_nothing_is_lost_or_counted_twice(self):
        process = self.start()
        self.wait_until_applied()
        command.kill(process)
        self.run_once()
        self.assert_example_answers()

    def test_a_killed_run_leaves_the_folder_free(self):
        process = self.start()
        until = time.monotonic() + 20
        while not os.path.exists(os.path.join(self.data, "node.meta")):
            self.assertLess(time.monotonic(), until, "the folder was never made")
        command.kill(process)
        command.query(self.data, [("User", "u1")], ["name"], NOW)


if __name__ == "__main__":
    unittest.main()
