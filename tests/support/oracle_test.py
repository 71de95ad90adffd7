"""The oracle against values worked out by hand, the running example among them."""

import json
import unittest

import aggregations
import expressions
import judge
import times
from oracle import Oracle

RUNNING_EXAMPLE = {
    "features": {
        "Transaction": {"fields": {"id": "str", "user_id": "str", "amount": "float",
                                   "ts": "FeatureTime"}},
        "User": {
            "max_staleness": "infinity",
            "etl_offline_to_online": True,
            "fields": {
                "id": "str",
                "name": "str",
                "transactions": {"has_many": "Transaction",
                                 "join": "User.id == Transaction.user_id",
                                 "max_staleness": "30d"},
                "sum_transaction_amount": {
                    "windowed": ["10m", "1h", "30d"],
                    "expression": "_.transactions[_.amount, _.ts > _.chalk_window].sum()",
                    "materialization": {"bucket_duration": "1m",
                                        "bucket_durations": {"1h": ["30d"]}},
                    "default": 0.0,
                },
                "mean_transaction_amount": {
                    "windowed": ["10m", "1h", "30d"],
                    "expression": "_.transactions[_.amount].mean()",
                    "materialization": True,
                },
            },
        },
    },
    "sources": {"users": {"file": "users.ndjson"}, "transactions": {"file": "t.ndjson"}},
    "streams": {
        "user_stream": {"source": "users", "message": {"id": "str", "name": "str"},
                        "output": {"User.id": "_.id", "User.name": "_.name"}},
        "transaction_stream": {
            "source": "transactions",
            "message": {"id": "str", "user_id": "str", "amount": "float", "ts": "datetime"},
            "output": {"Transaction.id": "_.id", "Transaction.user_id": "_.user_id",
                       "Transaction.amount": "_.amount", "Transaction.ts": "_.ts"}},
    },
}
SUM, MEAN = "user.sum_transaction_amount", "user.mean_transaction_amount"


def at(text):
    return times.parse_instant(text)


def small(expression, child=None, **windowed):
    """A definition with one windowed feature `f` of User over Transaction."""
    fields = {"id": "str", "user_id": "str | null", "n": "int | null", "x": "float | null",
              "kind": "str | null", "ts": "FeatureTime"}
    fields.update(child or {})
    message = {k: ("datetime" if k == "ts" else t) for k, t in fields.items()}
    return {
        "features": {
            "Transaction": {"fields": fields},
            "User": {"fields": {
                "id": "str",
                "transactions": {"has_many": "Transaction",
                                 "join": "Transaction.user_id == User.id"},
                "f": {"windowed": ["10m"], "expression": expression, "materialization": True,
                      **windowed}}},
        },
        "sources": {"t": {"file": "t.ndjson"}},
        "streams": {"s": {"source": "t", "message": message,
                          "output": {f"Transaction.{k}": f"_.{k}" for k in fields}}},
    }


def send(oracle, ts, source="t", **values):
    return oracle.feed(source, json.dumps({"id": "e", "user_id": "u", "ts": ts, **values}).encode())


def ask(oracle, name, now, key="u"):
    found = oracle.query("User", key, [name], at(now))[name]
    answer = found.answers[0]
    return answer.error or answer.value, found


class RunningExample(unittest.TestCase):
    def setUp(self):
        self.oracle = Oracle(RUNNING_EXAMPLE)
        self.oracle.feed("users", b'{"id": "u1", "name": "Ann"}')
        for ts, amount in (("2024-03-01T11:00:30Z", 100.0), ("2024-03-01T11:49:59Z", 10.0),
                           ("2024-03-01T11:50:10Z", 2.5), ("2024-03-01T12:00:20Z", 4.0),
                           ("2024-03-01T12:00:50Z", 8.0)):
            self.oracle.feed("transactions", json.dumps(
                {"id": "t", "user_id": "u1", "amount": amount, "ts": ts}).encode())

    def value(self, name, now):
        return ask(self.oracle, name, now, "u1")

    def test_ten_minutes_in_one_minute_buckets(self):
        value, found = self.value(SUM + "__600__", "2024-03-01T12:00:30Z")
        self.assertEqual(value, 2.5 + 4.0 + 8.0)
        self.assertEqual(found.start, at("2024-03-01T11:50:00Z"))
        self.assertEqual(found.end, at("2024-03-01T12:01:00Z"))
        self.assertEqual(found.events, 3)

    def test_one_hour_in_one_minute_buckets(self):
        value, found = self.value(SUM + "__3600__", "2024-03-01T12:00:30Z")
        self.assertEqual(value, 124.5)
        self.assertEqual((found.start, found.events), (at("2024-03-01T11:00:00Z"), 5))

    def test_thirty_days_in_one_hour_buckets(self):
        value, found = self.value(SUM + "__2592000__", "2024-03-01T12:00:30Z")
        self.assertEqual(value, 124.5)
        self.assertEqual(found.start, at("2024-01-31T12:00:00Z"))
        self.assertEqual(found.end, at("2024-03-01T13:00:00Z"))

    def test_bucket_equal_to_window_covers_two_buckets(self):
        value, found = self.value(MEAN + "__600__", "2024-03-01T12:00:30Z")
        self.assertAlmostEqual(value, (2.5 + 4 + 8) / 3)
        self.assertEqual((found.start, found.end),
                         (at("2024-03-01T11:50:00Z"), at("2024-03-01T12:10:00Z")))

    def test_buckets_after_now_do_not_count(self):
        value, _ = self.value(SUM + "__600__", "2024-03-01T11:59:59Z")
        self.assertEqual(value, 12.5)  # [11:49, 12:00): the bucket of 12:00 starts after now

    def test_on_a_boundary_the_bucket_that_begins_at_now_is_covered(self):
        value, found = self.value(SUM + "__600__", "2024-03-01T12:00:00Z")
        self.assertEqual(value, 14.5)
        self.assertEqual((found.start, found.end),
                         (at("2024-03-01T11:50:00Z"), at("2024-03-01T12:01:00Z")))

    def test_unknown_entity_has_empty_windows(self):
        found = self.oracle.query("User", "nobody", [SUM + "__600__", MEAN + "__600__",
                                                     "user.name"], at("2024-03-01T12:00:00Z"))
        self.assertEqual([found[n].answers[0].value for n in found], [0, None, None])

    def test_past_beyond_retention_is_expired(self):
        # The 10m sum in 1m buckets shares its rule with 1h: kept after 12:00:50 - 61m = 10:59:50.
        value, _ = self.value(SUM + "__600__", "2024-03-01T11:09:00Z")
        self.assertEqual(value, 100.0)         # the first bucket, [10:59, 11:00), ends after it
        value, _ = self.value(SUM + "__600__", "2024-03-01T11:08:59Z")
        self.assertEqual(value, "expired")     # the first bucket, [10:58, 10:59), does not

    def test_name_is_stored(self):
        found = self.oracle.query("User", "u1", ["user.name"],
                                  at("2060-01-01T00:00:00Z"))["user.name"]
        self.assertEqual([a.value for a in found.answers], ["Ann"])

    def test_names_of_the_class(self):
        self.assertEqual(self.oracle.names("User"), ["user.name"] + [
            f"{f}__{s}__" for f in (SUM, MEAN) for s in (600, 3600, 2592000)])


class Windows(unittest.TestCase):
    def test_offset_buckets(self):
        oracle = Oracle(small("_.transactions.count()", windowed=["1d"], materialization={
            "bucket_duration": "1d", "bucket_start": "1970-01-01T00:00:00+05:30"}))
        send(oracle, "2024-01-01T18:29:59Z")
        send(oracle, "2024-01-01T18:30:00Z")
        value, found = ask(oracle, "user.f__86400__", "2024-01-02T18:30:00Z")
        self.assertEqual((value, found.start), (1, at("2024-01-01T18:30:00Z")))
        self.assertEqual(ask(oracle, "user.f__86400__", "2024-01-02T18:29:59Z")[0], 2)

    def test_bucket_that_does_not_divide_its_window(self):
        oracle = Oracle(small("_.transactions.count()", materialization={"bucket_duration": "7m"}))
        _, found = ask(oracle, "user.f__600__", "1970-01-01T00:20:00Z")
        self.assertEqual((found.start, found.end), (7 * times.MINUTE, 21 * times.MINUTE))

    def test_before_the_epoch_rounds_down(self):
        self.assertEqual(times.floor_to_bucket(-1, 60, 0), -60)
        self.assertEqual(times.floor_to_bucket(-60, 60, 0), -60)
        self.assertEqual(times.floor_to_bucket(30, 60, 45), -15)

    def test_only_counted_rows_move_the_newest_time(self):
        oracle = Oracle(small('_.transactions[_.kind == "a"].count()'))
        send(oracle, "2024-01-01T00:00:00Z", kind="a")
        send(oracle, "2024-06-01T00:00:00Z", kind="b")
        send(oracle, "2024-06-01T00:00:00Z", kind="a", user_id=None)
        self.assertEqual(ask(oracle, "user.f__600__", "2024-01-01T00:05:00Z")[0], 1)
        send(oracle, "2024-06-01T00:00:00Z", kind="a", user_id="other")
        self.assertEqual(ask(oracle, "user.f__600__", "2024-01-01T00:05:00Z")[0], "expired")

    def test_declared_retention_keeps_more(self):
        oracle = Oracle(small("_.transactions.count()", materialization={
            "bucket_duration": "10m", "retention": "2d"}))
        send(oracle, "2024-01-01T00:00:00Z")
        send(oracle, "2024-01-02T00:00:00Z")
        self.assertEqual(ask(oracle, "user.f__600__", "2024-01-01T00:01:00Z")[0], 1)

    def test_late_rows_are_counted_by_rule(self):
        oracle = Oracle(small("_.transactions.count()"))
        for ts in ("00:30:00", "00:09:59", "00:10:00", "00:11:00", "00:31:00"):
            send(oracle, f"2024-01-01T{ts}Z")
        f = oracle.classes["User"].windowed["f"]
        # Kept while the end is after 00:10: the bucket [00:00, 00:10) is not, [00:10, …) is.
        self.assertEqual(oracle.late(f, f.windows[0]), 1)

    def test_all_window(self):
        oracle = Oracle(small("_.transactions.count()", windowed=["all"],
                              materialization={"bucket_duration": "1d"}))
        send(oracle, "1971-01-01T00:00:00Z")
        send(oracle, "2024-01-01T00:00:00Z")
        self.assertEqual(ask(oracle, "user.f__all__", "2024-01-01T00:00:00Z")[0], 2)


class Joins(unittest.TestCase):
    DEFINITION = {
        "features": {
            "Login": {"fields": {"id": "int", "user_id": "User.id", "country": "str | null",
                                 "at": "FeatureTime"}},
            "User": {"max_staleness": "infinity", "etl_offline_to_online": True, "fields": {
                "id": "str", "home": "str | null", "seen": "FeatureTime",
                "logins": {"has_many": "Login"},
                "at_home": {"has_many": "Login",
                            "join": "User.id == Login.user_id & Login.country == User.home"},
                "country_logins": {"has_many": "Login", "on": "User.home == Login.country"},
                "a": {"windowed": ["1h"], "expression": "_.logins.count()",
                      "materialization": True},
                "b": {"windowed": ["1h"], "expression": "_.at_home[_.at > _.chalk_window].count()",
                      "materialization": True},
                "c": {"windowed": ["1h"], "expression": "_.country_logins.count()",
                      "materialization": True}}},
        },
        "sources": {"l": {"file": "l"}, "u": {"file": "u"}},
        "streams": {
            "ls": {"source": "l", "message": {"id": "int", "u": "str", "c": "str | null",
                                              "t": "datetime"},
                   "output": {"Login.id": "_.id", "Login.user_id": "_.u", "Login.country": "_.c",
                              "Login.at": "_.t"}},
            "us": {"source": "u", "message": {"id": "str", "home": "str | null", "t": "datetime"},
                   "output": {"User.id": "_.id", "User.home": "_.home", "User.seen": "_.t"}}},
    }

    def setUp(self):
        self.oracle = Oracle(self.DEFINITION)
        for user, country in (("ann", "de"), ("ann", "fr"), ("bob", "de"), ("ann", None)):
            self.oracle.feed("l", json.dumps({"id": 1, "u": user, "c": country,
                                              "t": 1_700_000_000_000}).encode())

    def home(self, country, t):
        self.oracle.feed("u", json.dumps({"id": "ann", "home": country, "t": t}).encode())

    def values(self, key):
        names = ["user.a__3600__", "user.b__3600__", "user.c__3600__"]
        found = self.oracle.query("User", key, names, 1_700_000_000_000_000)
        return [found[n].answers[0].error or found[n].answers[0].value for n in names]

    def test_two_keys_and_a_local_key(self):
        self.home("de", 5)
        self.assertEqual(self.values("ann"), [3, 1, 2])

    def test_missing_local_key(self):
        self.assertEqual(self.values("ann"), [3, "join_key_missing", "join_key_missing"])

    def test_newest_event_time_gives_the_local_key(self):
        self.home("fr", 9)
        self.home("de", 5)
        self.assertEqual(self.values("ann"), [3, 1, 1])

    def test_null_local_key_is_missing(self):
        self.home("fr", 9)
        self.home(None, 10)
        self.assertEqual(self.values("ann")[1:], ["join_key_missing"] * 2)


class Inference(unittest.TestCase):
    def test_a_stream_needs_argument_filter_and_key(self):
        definition = small('_.transactions[_.n, _.kind == "a"].sum()')
        oracle = Oracle(definition)
        f = oracle.classes["User"].windowed["f"]
        self.assertTrue(oracle.updates("s", f))
        for field in ("n", "kind", "user_id"):
            changed = json.loads(json.dumps(definition))
            del changed["streams"]["s"]["output"]["Transaction." + field]
            self.assertFalse(Oracle(changed).updates("s", f), field)

    def test_count_does_not_read_its_projection(self):
        oracle = Oracle(small("_.transactions[_.n].count()"))
        self.assertEqual(oracle.classes["User"].windowed["f"].series_key()[2], "")

    def test_opt_out(self):
        definition = small("_.transactions.count()")
        definition["streams"]["s"]["updates_materialized_aggregations"] = False
        oracle = Oracle(definition)
        send(oracle, "2024-01-01T00:00:00Z")
        self.assertEqual(ask(oracle, "user.f__600__", "2024-01-01T00:00:00Z")[0], 0)


class Deduplication(unittest.TestCase):
    """Against outcomes worked out by hand from docs/limits.md."""

    def test_within_and_forgotten(self):
        definition = small("_.transactions.count()")
        definition["streams"]["s"]["deduplication"] = {"on": "_.id", "within": "10m"}
        oracle = Oracle(definition)

        def feed(name, minutes):
            return oracle.feed("t", json.dumps(
                {"id": name, "user_id": "u", "n": 1, "ts": 60_000 * minutes}).encode())

        self.assertEqual(
            [feed("a", 60), feed("a", 60), feed("a", 70), feed("a", 50), feed("b", 70),
             feed("a", 71), feed("a", 81), feed("b", 66), feed("b", 92), feed("a", 81)],
            ["applied", "duplicate", "duplicate", "duplicate", "applied",
             "applied", "duplicate", "duplicate", "applied", "applied"])


class Messages(unittest.TestCase):
    def outcome(self, line):
        return Oracle(RUNNING_EXAMPLE).feed("transactions", line)

    def test_outcomes(self):
        good = b'{"id":"t","user_id":"u","amount":1,"ts":"2024-01-01T00:00:00+02:00","more":[1]}'
        self.assertEqual(self.outcome(good), "applied")
        for bad in (
            b'{"id":"t","user_id":"u","amount":1,"ts":1', b'[1]', b'', b'nul',
            good + b" x", good.replace(b"1,", b'"1",'), good.replace(b":1,", b":NaN,"),
            good.replace(b":1,", b":1e999,"), good.replace(b'"u"', b"null"),
            good.replace(b'"user_id":"u",', b""), good.replace(b'"u"', b'"\xff"'),
            good.replace(b"2024-01", b"2999-01"), good.replace(b"2024-01", b"2024-13"),
            good.replace(b'"t"', b"7"), good.replace(b":1,", b":true,"),
        ):
            self.assertEqual(self.outcome(bad), "dead", bad)

    def test_five_point_zero_is_no_int(self):
        oracle = Oracle(small("_.transactions[_.n].sum()"))
        self.assertEqual(send(oracle, 0, n=5.0), "dead")
        self.assertEqual(send(oracle, 0, n=2**63), "dead")
        self.assertEqual(send(oracle, 0, n=2**63 - 1), "applied")

    def test_parse_null_skips(self):
        definition = small("_.transactions.count()")
        definition["streams"]["s"]["parse"] = "_.kind"
        oracle = Oracle(definition)
        self.assertEqual(send(oracle, 0, kind=None), "skipped")
        self.assertEqual(send(oracle, 0, kind=""), "applied")


class Aggregations(unittest.TestCase):
    def value(self, function, values, is_int=False):
        answer = aggregations.compute(function, values, len(values), is_int)
        return answer.error or answer.value

    def test_literals(self):
        values = [1.0, None, 2.0, 4.0]
        self.assertEqual(self.value("sum", values), 7.0)
        self.assertEqual(self.value("count", values), 4)
        self.assertEqual(self.value("min", values), 1.0)
        self.assertEqual(self.value("max", values), 4.0)
        self.assertAlmostEqual(self.value("mean", values), 7 / 3)
        self.assertAlmostEqual(self.value("var", values), 7 / 3)  # 21 - 49/3, over 2
        self.assertAlmostEqual(self.value("stddev", values), (7 / 3) ** 0.5)
        self.assertEqual(self.value("approx_count_distinct", ["a", "b", "a", None]), 2)
        for flags, some, every in [([True, None], True, True), ([True, False], True, False),
                                   ([False, None], False, False), ([None], False, True)]:
            self.assertEqual([self.value("any", flags), self.value("all", flags)], [some, every])

    def test_empty(self):
        self.assertEqual([self.value(f, []) for f in aggregations.FUNCTIONS],
                         [0, 0, None, None, None, None, None, 0, False, True])

    def test_one_value_has_no_spread(self):
        self.assertEqual([self.value(f, [3.0]) for f in ("std", "var")], [None, None])

    def test_overflow(self):
        self.assertEqual(self.value("sum", [2**62, 2**62], True), "overflow")
        self.assertEqual(self.value("sum", [2**62, 2**62, -1], True), 2**63 - 1)
        self.assertEqual(self.value("sum", [-(2**62), -(2**62)], True), -(2**63))
        self.assertEqual(self.value("sum", [1.7e308, 1.7e308]), "overflow")
        self.assertEqual(self.value("mean", [2**62, 2**62], True), 2.0**62)

    def test_float_sum_is_exact(self):
        self.assertEqual(self.value("sum", [1e16, 1.0, -1e16]), 1.0)


class Expressions(unittest.TestCase):
    ROW = {"a": 3, "b": 1.5, "s": "x", "n": None, "t": True, "message_headers.h": "v"}

    def value(self, text):
        return expressions.evaluate(expressions.parse(text), self.ROW)

    def test_literals(self):
        for text, wanted in {
            "_.a + 2 * 3": 9, "(_.a + 2) * 3": 15, "-_.a - 1": -4, "_.a / 2": 1.5, "_.a % 2": 1,
            "_.a / 0": None, "_.a % 0": None, "_.a + _.n": None, "_.a * 9223372036854775807": None,
            "_.a == 3 & _.s == 'x'": True, "_.a > 5 | _.t == true": True, "~(_.a > 5)": True,
            "_.n == null": False, "_.n != 1": False, "~(_.n == 1)": True, "_.n < 1": False,
            '_.s in ["y", "x"]': True, "_.n in [1]": False, "_.a in [1, 2]": False,
            "_.b >= 1.5": True, "_.a != 4": True, '_.message_headers["h"]': "v",
            "1 + 2 == 3 & 2 < 1 | true == true": True, "_.b * 1e2": 150.0,
        }.items():
            self.assertEqual(self.value(text), wanted, text)

    def test_aggregate_keys(self):
        node = expressions.parse("_.rel[_.x, _.y > 1 & _.z in ['a']].sum()")
        self.assertEqual((node[0], node[1], node[3]), ("aggregate", "rel", "sum"))
        self.assertEqual(node[2][0], ("attribute", ("x",)))
        self.assertEqual(expressions.attributes(node[2][1]), {"y", "z"})


class Times(unittest.TestCase):
    def test_durations(self):
        for text, wanted in {"90m": 5400, "1h30m": 5400, "1h 30 m": 5400, "2w": 1209600,
                             "all": 36500 * 86400, "infinity": 36500 * 86400}.items():
            self.assertEqual(times.parse_duration(text), wanted * times.SECOND, text)
        self.assertEqual(times.parse_duration("250ms"), 250_000)
        for text in ("10d 4d", "10b", "10daily", "m"):
            with self.assertRaises(ValueError):
                times.parse_duration(text)

    def test_instants(self):
        self.assertEqual(times.parse_instant("1970-01-01T00:00:01.5Z"), 1_500_000)
        self.assertEqual(times.parse_instant("1970-01-01T00:00:00+05:30"), -19_800_000_000)
        self.assertEqual(times.parse_instant(-5), -5000)
        self.assertEqual(times.format_instant(1_500_000), "1970-01-01T00:00:01.5Z")
        self.assertEqual(times.parse_instant(times.format_instant(-1)), -1)


class Judge(unittest.TestCase):
    NOW = "2024-01-01T00:05:00Z"

    def setUp(self):
        self.oracle = Oracle(small("_.transactions[_.n].sum()"))
        send(self.oracle, "2024-01-01T00:01:00Z", n=2)
        self.answer = {"now": self.NOW, "catalog_version": 1, "rows": [{
            "entity": "User", "key": "u", "position": {}, "errors": [],
            "features": {"user.f__600__": {"value": 2, "from": "2023-12-31T23:50:00Z",
                                           "to": "2024-01-01T00:10:00Z", "events": 1}}}]}

    def problems(self):
        return judge.compare_answer(self.oracle, "User", ["u"], ["user.f__600__"], at(self.NOW),
                                    self.answer)

    def test_agrees(self):
        self.assertEqual(self.problems(), [])

    def test_sees_each_difference(self):
        feature = self.answer["rows"][0]["features"]["user.f__600__"]
        for key, wrong in (("value", 3), ("value", 2.0), ("value", None), ("events", 2),
                           ("from", self.NOW), ("to", None)):
            right, feature[key] = feature[key], wrong
            self.assertEqual(len(self.problems()), 1, (key, wrong))
            feature[key] = right

    def test_sees_errors_and_missing_values(self):
        row = self.answer["rows"][0]
        row["errors"] = [{"feature": "user.f__600__", "code": "expired", "message": "m"}]
        self.assertTrue(self.problems())
        row["features"] = {}
        self.assertTrue(self.problems())
        row["errors"] = []
        self.assertEqual(self.problems(), ["User=u: user.f__600__ is missing"])


if __name__ == "__main__":
    unittest.main()
