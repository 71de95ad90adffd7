"""Kafka topics through the command, against a real broker: counted once whatever happens."""

import json
import os
import random
import re
import shlex
import threading
import time
import unittest

import kafka_support
from kafka_support import KafkaTest, command, kafka, message, messages

BAD = [b"not json", b'{"id": "x"', b'{"id": 1, "user_id": "u1", "amount": 1, "ts": 1}', b"[1]",
       b'{"id": "x", "user_id": "u1", "amount": 1.5, "ts": 1772366400000}', b"\xff\xfe"]


class ReadingTest(KafkaTest):
    def test_once_equals_a_fold_of_what_another_consumer_sees(self):
        self.broker.create(self.topic, 3)
        some = messages(20_000, users=100, partitions=3)
        some.insert(777, {"value": None, "key": "u1", "partition": 1})
        self.broker.produce(self.topic, some)
        self.assertEqual(self.applied(self.run_once()), 20_000)
        self.assert_equals_fold()

    def test_again_continues_and_counts_nothing_twice(self):
        self.broker.create(self.topic, 2)
        self.broker.produce(self.topic, messages(3_000, partitions=2))
        self.run_once()
        self.assertEqual(self.applied(self.run_once()), 0)
        self.broker.produce(self.topic, messages(2_000, first=3_000, partitions=2))
        self.assertEqual(self.applied(self.run_once()), 2_000)
        self.assert_equals_fold()

    def test_aborted_transactions_do_not_count(self):
        self.broker.create(self.topic, 1)
        self.broker.produce(self.topic, messages(500), "commit")
        self.broker.produce(self.topic, messages(500, first=500), "abort")
        self.broker.produce(self.topic, messages(500, first=1_000), "commit")
        self.assertEqual(self.applied(self.run_once()), 1_000)
        self.assertEqual(self.applied(self.run_once()), 0)
        self.assert_equals_fold()

    def test_latest_skips_what_was_there_and_stays_there(self):
        self.broker.create(self.topic, 2)
        self.broker.produce(self.topic, messages(300, partitions=2))
        self.assertEqual(self.applied(self.run_once("start: latest")), 0)
        later = messages(200, first=300, partitions=2)
        self.broker.produce(self.topic, later)
        self.assertEqual(self.applied(self.run_once("start: latest")), 200)
        self.assert_equals_fold(later)

    def test_a_time_begins_at_the_first_message_that_is_not_before_it(self):
        self.broker.create(self.topic, 1)
        some = [message(i, "u1", 1, at=kafka_support.T0 + 1000 * i) for i in range(100)]
        self.broker.produce(self.topic, some)
        self.run_once("start: 2026-03-01T12:01:00Z")
        self.assert_equals_fold(some[60:])

    def test_a_topic_that_does_not_exist_is_an_error(self):
        said = self.run_once(check=False)
        self.assertNotEqual(said.code, 0)
        self.assertIn(f"no topic `{self.topic}`", said.err)

    def test_a_poisoned_topic_is_counted_without_the_poison(self):
        self.broker.create(self.topic, 2)
        rng = random.Random(7)
        some = messages(10_000, partitions=2)
        for i in range(100):
            some.insert(rng.randrange(len(some)), {"value": BAD[i % len(BAD)], "partition": i % 2})
        self.broker.produce(self.topic, some)
        said = command.summary(self.run_once().text)
        self.assertEqual((said["applied"], said["dead"]), (10_000, 100))
        self.assert_equals_fold()


class FollowingTest(KafkaTest):
    def test_partitions_that_are_added_are_read(self):
        self.broker.create(self.topic, 1)
        self.broker.produce(self.topic, messages(500))
        self.start()
        self.wait_until_committed()
        self.broker.tool("grow", self.topic, 3)
        self.broker.produce(self.topic, messages(900, first=500, partitions=3))
        self.wait_until_committed()
        self.assertEqual(self.stop(), 0)
        self.assert_equals_fold()

    def test_a_broker_that_is_gone_for_a_while_is_waited_for(self):
        outage = float(os.environ.get("OUTAGE", "4"))
        self.broker.create(self.topic, 2)
        self.broker.produce(self.topic, messages(2_000, partitions=2))
        self.start()
        self.wait_until_committed()
        stop, acknowledged = threading.Event(), [2_000]

        def produce():  # through the outage: what is under way waits for the broker
            while not stop.is_set():
                some = messages(1_000, first=acknowledged[0], partitions=2)
                self.broker.produce(self.topic, some)
                acknowledged[0] += 1_000

        producer = threading.Thread(target=produce)
        producer.start()
        try:
            self.wait_for(lambda: acknowledged[0] >= 5_000)
            self.broker.kill()
            time.sleep(outage)
            self.assertIsNone(self.running.poll(), self.said())
            self.assertIn("the source `tx` waits: no connection to the broker", self.said())
            before = acknowledged[0]
            self.broker.start()
            self.wait_for(lambda: acknowledged[0] >= before + 3_000)
        finally:
            stop.set()
            producer.join()
        self.wait_until_committed()
        self.assertIn("the source `tx` goes on", self.said())
        self.assertEqual(self.stop(), 0)
        # What the producer was told is there. Some may be in the topic twice: a broker that was
        # killed before it answered can forget what an idempotent producer has sent.
        seen = set().union(*(ids for _, _, ids in self.assert_equals_fold().values()))
        self.assertEqual(len(seen), acknowledged[0])

    def test_killed_at_random_moments(self):
        seed = int(os.environ.get("SEED", "1"))
        kills = int(os.environ.get("KILLS", "6"))
        print(f"SEED={seed} KILLS={kills}", flush=True)
        rng = random.Random(seed)
        self.broker.create(self.topic, 3)
        stop = threading.Event()

        def produce():
            first = 0
            while not stop.is_set():
                some = messages(2_000, first=first, users=400, partitions=3)
                self.broker.produce(self.topic, some)
                first += 2_000

        producer = threading.Thread(target=produce)
        producer.start()
        try:
            for _ in range(kills):
                self.start(checkpoint="50ms")
                time.sleep(rng.uniform(0.05, 2.5))
                command.kill(self.running)
                self.running = None
        finally:
            stop.set()
            producer.join()
        self.run_once()
        self.assertGreater(sum(n for _, n, _ in self.assert_equals_fold().values()), 4_000)


    def test_a_reset_while_it_is_read_begins_where_the_topic_does(self):
        self.broker.create(self.topic, 1)
        some = messages(1_200)
        self.broker.produce(self.topic, some[:1_000])
        self.start()
        self.wait_until_committed()
        self.broker.tool("truncate", self.topic, 0, 600)
        command.run("source", "reset", "tx", "--data", self.data, check=True)
        self.broker.produce(self.topic, some[1_000:])
        self.wait_until_committed()
        self.assertEqual(self.stop(), 0)
        self.assert_equals_fold(some[:1_000] + some[600:])


class SecurityTest(KafkaTest):
    def secured(self, listener, password=kafka.PASSWORD, ca="ca.pem", mechanism="SCRAM-SHA-512"):
        settings = f"security_protocol: {listener.lower()}"
        if listener.startswith("SASL"):
            settings += (f", sasl_mechanism: {mechanism}, sasl_username: {kafka.USER}, "
                         "sasl_password: \"${KAFKA_PASSWORD}\"")
        if listener.endswith("SSL"):
            settings += f", ssl_ca_file: {os.path.join(self.broker.folder, ca)}"
        return self.run_once(settings, self.broker.addresses[listener], check=False, timeout=40,
                             env={"KAFKA_PASSWORD": password})

    def test_every_protocol(self):
        self.broker.create(self.topic, 1)
        self.broker.produce(self.topic, messages(300))
        first = self.secured("SASL_SSL")
        self.assertEqual((first.code, self.applied(first)), (0, 300), first)
        more = 300
        for listener, mechanism in (("SSL", ""), ("SASL_PLAINTEXT", "PLAIN"),
                                    ("SASL_PLAINTEXT", "SCRAM-SHA-512")):
            self.broker.produce(self.topic, messages(50, first=more))
            more += 50
            said = self.secured(listener, mechanism=mechanism)
            self.assertEqual((said.code, self.applied(said)), (0, 50), said)
        self.assert_equals_fold()

    def test_a_wrong_password_is_said_and_never_shown(self):
        self.broker.create(self.topic, 1)
        for mechanism in ("PLAIN", "SCRAM-SHA-512"):
            said = self.secured("SASL_PLAINTEXT", password="hunter2-wrong", mechanism=mechanism)
            self.assertNotEqual(said.code, 0)
            self.assertRegex(said.err, "(?i)authentication")
            self.assertNotIn("hunter2-wrong", said.text)

    def test_a_wrong_authority_is_said(self):
        self.broker.create(self.topic, 1)
        kafka.make_certificates(self.broker.folder, "other")
        said = self.secured("SSL", ca="other.pem")
        self.assertNotEqual(said.code, 0)
        self.assertRegex(said.err, "(?i)certificate")

    def test_no_password_is_kept_in_the_folder(self):
        self.broker.create(self.topic, 1)
        self.broker.produce(self.topic, messages(50))
        self.assertEqual(self.secured("SASL_SSL").code, 0)
        read = 0
        for folder, _, names in os.walk(self.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as found:
                    text = found.read()
                read += len(text)
                self.assertNotIn(kafka.PASSWORD.encode(), text, name)
        self.assertGreater(read, 1000)


class StoppedTest(KafkaTest):
    """What stops a source, with the command that resolves it, run as it is printed."""

    def resolve(self, said, verb):
        self.assertNotEqual(said.code, 0, said)
        found = re.search(rf"run: windrow (source {verb} [^\n]*)", said.err)
        self.assertTrue(found, said)
        command.run(*shlex.split(found[1].rstrip(".")), check=True)

    def test_messages_deleted_before_they_were_read(self):
        self.broker.create(self.topic, 1)
        some = messages(1_000)
        self.broker.produce(self.topic, some[:300])
        self.run_once()
        self.broker.produce(self.topic, some[300:])
        self.broker.tool("truncate", self.topic, 0, 600)
        said = self.run_once(check=False)
        self.assertIn("deleted 300 messages", said.err)
        self.assert_equals_fold(some[:300])
        self.resolve(said, "seek")
        self.run_once()
        self.assert_equals_fold(some[:300] + some[600:])

    def test_messages_deleted_after_they_were_read_are_nothing(self):
        self.broker.create(self.topic, 1)
        some = messages(1_000)
        self.broker.produce(self.topic, some[:600])
        self.run_once()
        self.broker.tool("truncate", self.topic, 0, 600)
        self.broker.produce(self.topic, some[600:])
        self.run_once()
        self.assert_equals_fold(some)

    def test_a_damaged_batch_is_passed_over(self):
        self.broker.create(self.topic, 1)
        some = messages(900)
        self.broker.produce(self.topic, some[:300])
        self.start()
        self.wait_until_committed()
        self.assertEqual(self.stop(), 0)
        self.broker.produce(self.topic, some[300:600])
        self.broker.produce(self.topic, some[600:])
        log = os.path.join(self.broker.folder, "data", self.topic + "-0", "0" * 20 + ".log")
        with open(log, "r+b") as file:
            file.seek(file.read().index(some[400]["value"]))
            file.write(b"#")
        said = self.run_once(check=False)
        self.assertIn("is damaged after offset 300", said.err)
        found = re.search("run: windrow (source seek .*) --to OFFSET", said.err)
        command.run(*shlex.split(found[1]), "--to", 600, check=True)
        self.run_once()
        self.assert_equals_fold(some[:300] + some[600:])

    def test_a_topic_made_again(self):
        for count in (100, 1_000, 3_000):  # shorter than what was read, as long, longer
            with self.subTest(count):
                self.topic = f"again-{count}-{time.time_ns() % 10**9}"
                self.data = os.path.join(self.folder, f"state-{count}")
                self.broker.create(self.topic, 1)
                former = messages(1_000)
                self.broker.produce(self.topic, former)
                self.run_once()
                self.broker.recreate(self.topic, 1)
                latter = messages(count, first=5_000, seed=2)
                self.broker.produce(self.topic, latter)
                said = self.run_once(check=False)
                self.assertIn("made again", said.err)
                self.assert_equals_fold(former)
                self.resolve(said, "reset")
                self.run_once()
                self.assert_equals_fold(former + latter)

    def test_a_topic_made_again_while_it_is_read(self):
        self.broker.create(self.topic, 1)
        former = messages(1_000)
        self.broker.produce(self.topic, former)
        self.start()
        self.wait_until_committed()
        self.broker.recreate(self.topic, 1)
        self.broker.produce(self.topic, messages(3_000, first=5_000, seed=2))
        self.assertNotEqual(self.wait_for_end(), 0)
        self.assertIn("made again", self.said())
        self.assert_equals_fold(former)

    def test_fewer_partitions_than_were_read(self):
        self.broker.create(self.topic, 3)
        self.broker.produce(self.topic, messages(300, partitions=3))
        self.run_once()
        self.broker.recreate(self.topic, 2)
        said = self.run_once(check=False)
        self.assertNotEqual(said.code, 0)
        self.assertIn("made again", said.err)

    def wait_for_end(self):
        """The run ends because its only source has stopped."""
        return self.running.wait(30)


_ENVELOPES = """features:
  Visit:
    fields: {{ id: str, user_id: str, kind: str, amount: int, sent: datetime | null,
              ts: FeatureTime }}
  User:
    fields:
      id: str
      visits: {{ has_many: Visit, join: User.id == Visit.user_id }}
      amount: {{ windowed: [1h], expression: "_.visits[_.amount].sum()", materialization: true }}
      inside: {{ windowed: [1h], materialization: true,
                expression: '_.visits[_.amount, _.kind == "inside", _.sent < _.ts].sum()' }}
sources:
  visits: {{ kafka: {{ bootstrap_server: "{address}", topic: {topic} }} }}
streams:
  visit_stream:
    source: visits
    message: {{ id: str, amount: int, ts: datetime }}
    output: {{ Visit.id: _.id, Visit.amount: _.amount, Visit.user_id: _.message_key,
              Visit.sent: _.message_time, Visit.ts: _.ts,
              Visit.kind: '_.message_headers["kind"]' }}
"""


class DeadLetterTest(KafkaTest):
    def test_a_replayed_letter_keeps_its_key_headers_and_time(self):
        ahead = 600_000  # of when it was sent: too far then, and past now
        sent = [("u1", "inside", 5, 0), ("u1", "outside", 7, 0), ("u1", "inside", 11, 1_000),
                ("u2", "inside", 13, 0), (None, "inside", 17, 0)]
        self.broker.create(self.topic, 1)
        self.broker.produce(self.topic, [
            {"value": json.dumps({"id": f"v{i}", "amount": amount,
                                  "ts": kafka_support.T0 + after + ahead}).encode(),
             "headers": {"kind": kind}, "time": kafka_support.T0 + after,
             **({"key": user} if user else {})}
            for i, (user, kind, amount, after) in enumerate(sent)])
        path = os.path.join(self.folder, "features.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(_ENVELOPES.format(address=self.broker.address, topic=self.topic))
        run = command.run("run", path, "--data", self.data, "--once", check=True)
        self.assertEqual(command.summary(run.text).get("applied"), 0)
        replayed = command.run("deadletters", "replay", "--data", self.data, "--json", check=True)
        self.assertEqual(json.loads(replayed.out),
                         {"replayed": 5, "cut": 0, "undeclared": 0})
        rows = command.query(self.data, [("User", "u1"), ("User", "u2")], ["amount", "inside"],
                             "2026-03-01T12:30:00Z")["rows"]
        self.assertEqual([[f["value"] for f in row["features"].values()] for row in rows],
                         [[23, 16], [13, 13]])
        # The one without a key is a letter again, and still as it came.
        left = command.run("deadletters", "show", "--data", self.data, "--json", check=True)
        letters = json.loads(left.out)["letters"]
        self.assertEqual([(m["reason"], m["arrival"]) for m in letters],
                         [("null", "2026-03-01T12:00:00Z")])

    def test_dead_letters_are_produced_to_their_topic(self):
        dead = self.topic + "-dead"
        self.broker.create(self.topic, 2)
        self.broker.create(dead, 1)
        bad = [{"value": b, "partition": i % 2, "key": f"k{i}"} for i, b in enumerate(BAD)]
        self.broker.produce(self.topic, messages(200, partitions=2) + bad)
        self.start(f"dead_letter_queue_topic: {dead}")
        self.wait_until_committed()
        end = time.monotonic() + 30
        while self.broker.watermarks(dead)[0][1] < len(BAD) and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(self.stop(), 0)
        got = self.broker.consume(dead)
        self.assertEqual(sorted(m["value"] for m in got), sorted(BAD))
        by_value = {m["value"]: m for m in got}
        for i, value in enumerate(BAD):
            m = by_value[value]
            self.assertEqual(m["key"], f"k{i}".encode())
            headers = {k: v.decode() for k, v in m["headers"].items()}
            self.assertEqual((headers["source"], headers["topic"], headers["partition"],
                              headers["stream"], headers["phase"]),
                             ("tx", self.topic, str(i % 2), "tx_stream", "parse"))
            self.assertEqual(headers["id"], f"{self.topic}/{i % 2}/{headers['offset']}/tx_stream")
            self.assertTrue(headers["reason"] and headers["message"] and headers["timestamp"])
        # Not again after a restart.
        self.assertEqual(self.run_once(f"dead_letter_queue_topic: {dead}").code, 0)
        self.assertEqual(self.broker.watermarks(dead)[0][1], len(BAD))


if __name__ == "__main__":
    command.require()
    unittest.main(verbosity=2)
