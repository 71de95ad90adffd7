"""A source that is only pushed to: `push: true`."""

import json
import os

import command
from example import DECLARATION, ExampleTest, line
from server_cases import RunningNode

NDJSON = {"Content-Type": "application/x-ndjson"}
PUSHED = DECLARATION.replace("{ file: transactions.ndjson }", "{ push: true }")


def declare(test):
    test.write("features.yaml", PUSHED.encode())
    os.remove(test.path("transactions.ndjson"))


class StoppedTest(ExampleTest):
    def setUp(self):
        super().setUp()
        declare(self)

    def listed(self):
        out = command.run("source", "list", "--data", self.data, "--json").out
        return {s["source"]: s for s in json.loads(out)["sources"]}

    def test_it_compiles_and_a_run_ends(self):
        self.assertEqual(command.run("check", self.declaration).code, 0)
        self.run_once()  # with users alone to read
        self.assertEqual(self.value("name"), "Ann")
        self.assertEqual(self.listed()["transactions"],
                         {"source": "transactions", "kind": "push", "unit": "messages",
                          "state": "stopped", "reason": None, "partitions": []})
        self.assertIn("transactions", command.run("source", "list", "--data", self.data).out)
        found = json.loads(command.run("inspect", "--data", self.data, "--json").out)
        self.assertEqual({p["kind"] for p in found["partitions"]}, {"journal", "file"})

    def test_there_is_nothing_to_steer(self):
        self.run_once()
        for words in (["pause"], ["resume"], ["reset"], ["seek", "--to", "latest"]):
            with self.subTest(words=words):
                self.assert_refused(
                    command.run("source", words[0], "transactions", *words[1:], "--data", self.data,
                                check=False), "`transactions` is not read from files or a log")
        self.assertEqual(self.listed()["transactions"]["state"], "stopped")

    def test_a_file_may_stand_in_its_place(self):
        self.write("old.ndjson", line(items=3) + line(items=4))
        for _ in range(2):
            self.run_once("--input", f"transactions={self.path('old.ndjson')}")
            self.assertEqual(self.value("item_count"), 7)
        one = self.listed()["transactions"]
        self.assertEqual((one["kind"], one["unit"]), ("file", "bytes"))
        self.assertEqual([p["partition"] for p in one["partitions"]], [self.path("old.ndjson")])

    def test_standard_input_may_stand_in_its_place(self):
        self.run_once("--input", "transactions=-", stdin=line(items=3))
        self.assertEqual(self.value("item_count"), 3)


class RunningTest(RunningNode):
    read_first = 2  # users

    def start(self, *more):
        if os.path.exists(self.path("transactions.ndjson")):
            declare(self)
        super().start(*more)

    def push(self, body):
        status, answer, _ = self.tcp("POST", "/v1/streams/transaction_stream", body, headers=NDJSON)
        self.assertEqual(status, 200)
        return json.loads(answer)

    def test_what_is_pushed_counts_once_over_restarts(self):
        self.assertEqual(self.push(line(items=3) + line(items=4) + b"{")["errors"][0]["message"], 3)
        self.assertEqual(self.value("item_count"), 7)
        command.kill(self.process)
        self.read_first = 4  # and two that were pushed
        self.start()
        self.assertEqual(self.value("item_count"), 7)
        self.push(line(items=5))
        self.assertEqual(self.value("item_count"), 12)
        self.assertEqual(self.stop(), 0)
        self.run_once()
        self.assertEqual(self.value("item_count"), 12)

    def test_it_waits_for_pushes(self):
        listed = json.loads(self.local("GET", "/v1/sources")[1])["sources"]
        one = next(s for s in listed if s["source"] == "transactions")
        self.assertEqual((one["kind"], one["state"], one["partitions"]), ("push", "running", []))
        text = self.tcp("GET", "/metrics")[1].decode()
        self.assertIn('windrow_source_state{source="transactions",state="running"} 1', text)
        self.assertNotIn('windrow_source_lag_messages{source="transactions"}', text)
        catalog = json.loads(self.local("GET", "/v1/catalog")[1])
        self.assertIn({"source": "transactions", "kind": "push"}, catalog["sources"])
        self.assertIsNone(self.process.poll())
