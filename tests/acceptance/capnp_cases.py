"""Cap'n Proto bodies: curl carries them, and the `capnp` command makes and reads them by the schema
that the node serves. Values are judged against the JSON answers of the same node."""

import json
import re
import subprocess

from example import NOW, line
from server_cases import RunningNode

CAPNP = "application/x-capnp"
STREAM = "/v1/streams/transaction_stream"
NOW_MICROS = 1_709_294_430_000_000  # NOW


class CapnpTest(RunningNode):
    def setUp(self):
        super().setUp()
        self.schema = self.path("api.capnp")
        with open(self.schema, "wb") as out:
            out.write(self.tcp("GET", "/v1/api.capnp")[1])

    def encode(self, kind, text):
        return subprocess.run(["capnp", "encode", self.schema, kind], input=text.encode(),
                              capture_output=True, check=True).stdout

    def decode(self, kind, body):
        """The answer as JSON, which the `capnp` command writes with integers as text."""
        done = subprocess.run(["capnp", "convert", "binary:json", self.schema, kind], input=body,
                              capture_output=True, check=True)
        return json.loads(done.stdout)

    def curl(self, target, body=None, *more):
        sent = [] if body is None else ["--data-binary", "@-", "-H", f"Content-Type: {CAPNP}"]
        done = subprocess.run(
            ["curl", "-sS", "-i", *sent, *more, f"http://127.0.0.1:{self.port}{target}"],
            input=body, capture_output=True, check=True, timeout=60).stdout
        head, _, answer = done.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        kind = re.search(rb"(?im)^content-type: *([^\r\n]*)", head).group(1).decode()
        return status, kind, answer

    def test_a_query_says_what_the_json_one_says(self):
        asked = ('(entities = [(entityClass = "User", key = (text = "u1")), (entityClass = "user",'
                 ' key = (text = "u2"), now = (at = 1709294400000000)), (entityClass = "User",'
                 f' key = (text = "none"))], now = (at = {NOW_MICROS}), features ='
                 ' ["name", "sum_transaction_amount[1h]", "item_count"])')
        status, kind, body = self.curl("/v1/query", self.encode("Query", asked))
        self.assertEqual((status, kind), (200, CAPNP))
        answer = self.decode("QueryAnswer", body)
        plain = json.loads(self.tcp("POST", "/v1/query", {
            "entities": [{"class": "User", "key": "u1"},
                         {"class": "user", "key": "u2", "now": 1709294400000},
                         {"class": "User", "key": "none"}],
            "features": ["name", "sum_transaction_amount[1h]", "item_count"],
            "now": 1709294430000})[1])
        self.assertEqual(answer["catalogVersion"], plain["catalog_version"])
        self.assertEqual(len(answer["rows"]), 3)
        for row, other in zip(answer["rows"], plain["rows"]):
            self.assertEqual(row["key"], {"text": other["key"]})
            self.assertEqual({p["source"]: int(p["sequence"]) for p in row["position"]},
                             other["position"])
            values = {f["name"]: f for f in row["features"] if "value" in f}
            self.assertEqual(set(values), set(other["features"]))
            for name, feature in values.items():
                self.assertEqual(plain_value(feature["value"]), other["features"][name]["value"])
                if "window" in feature["basis"]:
                    self.assertEqual(int(feature["basis"]["window"]["events"]),
                                     other["features"][name]["events"])
            self.assertEqual([(f["name"], f["error"]["code"]) for f in row["features"]
                              if "error" in f],
                             [(e["feature"], e["code"]) for e in other["errors"]])

    def test_one_entity(self):
        status, kind, body = self.curl(f"/v1/entities/User/u1?feature=name&now={NOW}", None,
                                       "-H", f"Accept: {CAPNP}")
        self.assertEqual((status, kind), (200, CAPNP))
        rows = self.decode("QueryAnswer", body)["rows"]
        plain = json.loads(self.tcp("GET", f"/v1/entities/User/u1?feature=name&now={NOW}")[1])
        self.assertEqual(plain_value(rows[0]["features"][0]["value"]),
                         plain["features"]["user.name"]["value"])

    def push(self, columns, messages, *more):
        body = self.encode("Push", f"(messages = {messages}, columns = {columns})")
        status, kind, answer = self.curl(STREAM, body, *more)
        return status, self.decode("PushAnswer", answer) if kind == CAPNP else json.loads(answer)

    def count(self, key):
        answer = self.tcp("GET", f"/v1/entities/User/{key}?feature=item_count&now={NOW}")
        return list(json.loads(answer[1])["features"].values())[0]["value"]

    COLUMNS = """[(key = "id", texts = ["a", "b", "c"]), (key = "user_id", texts = ["n", "n", "n"]),
        (key = "amount", floats = [1.5, nan, 2]), (key = "items", integers = [3, 4, 5],
        present = [true, true, %s]), (key = "ts", times = [%d, %d, %d])]"""

    def columns(self, last="true"):
        return self.COLUMNS % (last, *[NOW_MICROS - 60_000_000] * 3)

    def test_a_push_is_applied_and_says_what_could_not_be_used(self):
        status, answer = self.push(self.columns(), 3)
        self.assertEqual(status, 200, answer)
        self.assertEqual((answer["messages"], answer["applied"], answer["duplicate"]),
                         ("3", True, False))
        self.assertEqual([(e["message"], e["phase"]) for e in answer["errors"]], [(2, "parse")])
        self.assertEqual(self.count("n"), 8)
        kept = json.loads(self.local("GET", "/v1/dead-letters?messages=whole")[1])["letters"]
        self.assertIn("NaN", json.dumps(kept[-1]))

    def test_a_push_of_a_producer_counts_once(self):
        who = ["-H", "Windrow-Producer: till", "-H", "Windrow-Sequence: 1"]
        self.assertFalse(self.push(self.columns(), 3, *who)[1]["duplicate"])
        status, again = self.push(self.columns(), 3, *who)
        self.assertEqual((status, again["duplicate"]), (200, True))
        self.assertEqual(self.count("n"), 8)
        self.assertEqual(self.push(self.columns("false"), 3, *who)[0], 409)

    def test_a_json_push_may_be_answered_in_bytes(self):
        status, kind, body = self.curl(STREAM, line(user_id="m", items=2), "-H",
                                       "Content-Type: application/x-ndjson", "-H",
                                       f"Accept: {CAPNP}")
        # curl sends both types: the first is taken, whose body this is not.
        self.assertEqual((status, kind), (400, "application/problem+json"))
        status, body, headers = self.tcp("POST", STREAM, line(user_id="m", items=2), headers={
            "Content-Type": "application/x-ndjson", "Accept": CAPNP})
        self.assertEqual((status, headers["Content-Type"]), (200, CAPNP))
        self.assertEqual(self.decode("PushAnswer", body)["messages"], "1")

    def test_bytes_that_are_no_message_are_refused_with_a_problem(self):
        whole = self.encode("Push", '(messages = 1, columns = [(key = "id", texts = ["a"])])')
        for target in ("/v1/query", STREAM):
            for body in (b"x", b"{}", whole[:-8], b"\xff" * 64, b"\0" * 8 + b"\xff" * 8):
                status, kind, answer = self.curl(target, body)
                self.assertEqual((status, kind), (400, "application/problem+json"), answer)
                self.assertIn("api.capnp", json.loads(answer)["detail"])
        self.assertEqual(self.push("[]", 200_000)[0], 413)

    def test_types_that_are_not_spoken_are_refused(self):
        for target, header, expected in (
                ("/v1/query", {"Content-Type": "application/x-protobuf"}, 415),
                ("/v1/query", {"Content-Type": "application/json", "Accept": "text/html"}, 406),
                ("/v1/checkpoint", {"Content-Type": CAPNP}, 415)):
            status, body, headers = self.local("POST", target, b"{}", headers=header)
            self.assertEqual((status, headers["Content-Type"]),
                             (expected, "application/problem+json"), body)


def plain_value(value):
    """A `Value` as `capnp convert binary:json` writes it, as JSON of the API has it."""
    (kind, held), = value.items()
    return {"null": lambda: None, "boolean": lambda: held, "integer": lambda: int(held),
            "floating": lambda: float(held), "text": lambda: held}[kind]()
