"""`windrow query`, `explain`, `aggregate list`, `inspect`, `deadletters`: what they answer."""

import json
import time
import unittest

import command
import times
from example import DECLARATION, NOW, TRANSACTIONS, ExampleTest, line


class QueryTest(ExampleTest):
    def setUp(self):
        super().setUp()
        self.run_once()

    def test_exact_shape(self):
        answer = command.query(self.data, [("User", "u1")],
                               ["name", 'sum_transaction_amount["1h"]'], NOW)
        self.assertEqual(set(answer), {"now", "catalog_version", "rows"})
        self.assert_same_time(answer["now"], NOW)
        self.assertEqual(answer["catalog_version"], 1)
        row = answer["rows"][0]
        self.assertEqual(set(row), {"entity", "key", "position", "features", "errors"})
        self.assertEqual((row["entity"], row["key"], row["errors"]), ("User", "u1", []))
        self.assertIsInstance(row["position"], dict)
        self.assertTrue(row["position"])
        self.assertEqual(set(row["features"]), {"user.name", "user.sum_transaction_amount__3600__"})

    def test_a_window_value(self):
        found = self.ask('sum_transaction_amount["1h"]')["features"]
        value = found["user.sum_transaction_amount__3600__"]
        self.assertEqual(set(value), {"value", "from", "to", "events"})
        self.assertEqual((value["value"], value["events"]), (124.5, 5))
        self.assert_same_time(value["from"], "2024-03-01T11:00:00Z")
        self.assert_same_time(value["to"], "2024-03-01T12:01:00Z")

    def test_the_example(self):
        self.assert_example_answers()

    def test_a_scalar(self):
        now = times.format_instant(int(time.time() * 1e6) + times.MINUTE)
        value = self.ask("name", now=now)["features"]["user.name"]
        self.assertEqual(value["value"], "Ann")
        self.assertLess(abs(times.parse_instant(value["at"]) - time.time() * 1e6), 10 * times.MINUTE)

    def test_a_scalar_that_is_null(self):
        now = times.format_instant(int(time.time() * 1e6) + times.MINUTE)
        self.assertIsNone(self.value("name", key="u2", now=now))

    def test_every_spelling_of_a_window(self):
        for name in ("sum_transaction_amount[10m]", 'sum_transaction_amount["10m"]',
                     'User.sum_transaction_amount["10m"]', "User.sum_transaction_amount[10m]",
                     "user.sum_transaction_amount__600__", "sum_transaction_amount__600__",
                     'sum_transaction_amount["600s"]'):
            with self.subTest(name):
                self.assertEqual(set(self.ask(name)["features"]),
                                 {"user.sum_transaction_amount__600__"})

    def test_without_a_window_all_of_them(self):
        self.assertEqual(set(self.ask("sum_transaction_amount")["features"]), {
            f"user.sum_transaction_amount__{s}__" for s in (600, 3600, 2592000)})

    def test_one_row_an_entity_in_order_known_or_not(self):
        keys = ["nobody", "u3", "u1", "u2"]
        answer = command.query(self.data, [("User", k) for k in keys], ["item_count"], NOW)
        self.assertEqual([r["key"] for r in answer["rows"]], keys)

    def test_an_unknown_entity(self):
        row = self.ask("sum_transaction_amount[10m]", "mean_transaction_amount", "largest", "name",
                       key="nobody")
        self.assertEqual({k: v["value"] for k, v in row["features"].items()}, {
            "user.sum_transaction_amount__600__": 0, "user.mean_transaction_amount__600__": None,
            "user.largest__600__": -1.0, "user.name": None})

    def test_ints_print_as_integers(self):
        result = command.run("query", "--data", self.data, "--entity", "User=u1", "--feature",
                             "item_count", "--now", NOW, "--json", check=True)
        self.assertRegex(result.out, r'"value":\s*12[,}\s]')

    def test_a_filter_counts_only_what_passes(self):
        found = self.ask("card_payments")["features"]["user.card_payments__3600__"]
        self.assertEqual((found["value"], found["events"]), (3, 3))

    def test_null_arguments_are_events_without_value(self):
        found = self.ask("item_count")["features"]["user.item_count__3600__"]
        self.assertEqual((found["value"], found["events"]), (12, 5))

    def test_a_join_of_two_keys(self):
        self.assertEqual(self.value("home_payments"), 3)

    def test_a_missing_local_key(self):
        self.assertEqual(self.error("home_payments", key="u2"), "join_key_missing")

    def test_expired(self):
        self.assertEqual(self.error("mean_transaction_amount", now="2024-03-01T11:00:00Z"),
                         "expired")

    def test_the_first_moment_that_is_not_expired(self):
        # Buckets of 10m are kept while they end after 12:00:50.25 - 20m; this one ends 11:50.
        self.assertEqual(self.value("mean_transaction_amount", now="2024-03-01T11:50:00Z"), 6.25)

    def test_the_last_moment_that_is_expired(self):
        self.assertEqual(self.error("mean_transaction_amount",
                                    now="2024-03-01T11:49:59.999999Z"), "expired")

    def test_one_expired_value_leaves_the_others(self):
        row = self.ask("mean_transaction_amount", "sum_transaction_amount[30d]",
                       now="2024-03-01T11:10:00Z")
        self.assertEqual([e["feature"] for e in row["errors"]],
                         ["user.mean_transaction_amount__600__"])
        self.assertEqual(row["features"]["user.sum_transaction_amount__2592000__"]["value"],
                         112.5)

    def test_now_with_an_offset(self):
        self.assertEqual(self.value("sum_transaction_amount[10m]",
                                    now="2024-03-01T14:00:30+02:00"), 14.5)

    def test_now_is_the_wall_clock_by_default(self):
        answer = command.query(self.data, [("User", "u1")], ["item_count"])
        self.assertLess(abs(times.parse_instant(answer["now"]) - time.time() * 1e6), times.MINUTE)
        self.assertEqual(answer["rows"][0]["features"]["user.item_count__3600__"]["value"], 0)

    def test_a_table(self):
        result = command.run("query", "--data", self.data, "--entity", "User=u1", "--feature",
                             "sum_transaction_amount", "--now", NOW, check=True)
        self.assertIn("u1", result.out)
        self.assertIn("14.5", result.out)
        self.assertIn("124.5", result.out)

    def refused(self, *patterns, entity="User=u1", feature="name", data=None, now=NOW):
        self.assert_refused(command.run("query", "--data", data or self.data, "--entity", entity,
                                        "--feature", feature, "--now", now, "--json"), *patterns)

    def test_an_unknown_class(self):
        self.refused("costumer", entity="Costumer=1")

    def test_an_unknown_feature(self):
        self.refused("nmae", feature="nmae")

    def test_a_window_that_is_not_declared(self):
        self.refused("2h|7200", feature="item_count[2h]")

    def test_an_unreadable_now(self):
        self.refused("noon", now="noon")

    def test_an_entity_without_a_key(self):
        self.refused("user", entity="User")

    def test_a_folder_that_does_not_exist(self):
        self.refused("nowhere", data=self.path("nowhere"))

    def test_explain_shows_the_buckets(self):
        text = command.run("explain", "--data", self.data, "--entity", "User=u1", "--feature",
                           "sum_transaction_amount[10m]", "--now", NOW, check=True).out
        for word in ("11:50", "12:00", "2.5", "12", "14.5", "12:01"):
            self.assertIn(word, text)

    def test_aggregate_list(self):
        text = command.run("aggregate", "list", "--data", self.data, check=True).out
        for word in ("Transaction", "user_id", "sum", "1m", "1h", "item_count", "card"):
            self.assertIn(word, text)

    def test_inspect(self):
        text = command.run("inspect", "--data", self.data, check=True).out
        self.assertRegex(text.lower(), "stripe")
        self.assertIn("transactions", text)

    def test_inspect_verify(self):
        command.run("inspect", "--data", self.data, "--verify", check=True)


class Numbers(ExampleTest):
    def sum_of(self, *items):
        self.write("transactions.ndjson", b"".join(line(items=i) for i in items))
        self.run_once()

    def test_an_int_sum_beyond_64_bits(self):
        self.sum_of(2**63 - 1, 1)
        self.assertEqual(self.error("item_count"), "overflow")

    def test_an_int_sum_that_comes_back(self):
        self.sum_of(2**63 - 1, 1, -1)
        self.assertEqual(self.value("item_count"), 2**63 - 1)

    def test_a_float_sum_that_is_not_finite(self):
        self.write("transactions.ndjson", line(amount=1.7e308) + line(amount=1.7e308))
        self.run_once()
        self.assertEqual(self.error("sum_transaction_amount[10m]"), "overflow")

    def test_a_compensated_sum(self):
        self.write("transactions.ndjson",
                   line(amount=1e16) + line(amount=1.0) + line(amount=-1e16))
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 1.0)


class ScalarTest(ExampleTest):
    """Scalars with an event time of their own and a staleness."""

    def setUp(self):
        super().setUp()
        self.write("features.yaml", DECLARATION
                   .replace("max_staleness: infinity", "max_staleness: 1h")
                   .replace("      name: str | null\n", "      name: str | null\n"
                            "      seen: FeatureTime\n")
                   .replace("home: str | null }", "home: str | null, t: datetime }")
                   .replace("User.home: _.home }", "User.home: _.home, User.seen: _.t }")
                   .encode())
        self.write("users.ndjson",
                   b'{"id":"u1","name":"new","home":"card","t":"2024-03-01T12:00:00Z"}\n'
                   b'{"id":"u1","name":"old","home":"cash","t":"2024-03-01T11:00:00Z"}\n')
        self.run_once()

    def test_the_newest_event_time_wins(self):
        found = self.ask("name", now=NOW)["features"]["user.name"]
        self.assertEqual(found["value"], "new")
        self.assert_same_time(found["at"], "2024-03-01T12:00:00Z")

    def test_a_value_just_fresh_enough(self):
        self.assertEqual(self.value("name", now="2024-03-01T13:00:00Z"), "new")

    def test_a_stale_value_is_null(self):
        self.assertIsNone(self.value("name", now="2024-03-01T13:00:00.000001Z"))

    def test_staleness_does_not_hide_an_aggregate(self):
        # [12:00, 13:01) holds one payment by card, and `home` is an hour and 30 s old.
        self.assertEqual(self.value("home_payments", now="2024-03-01T13:00:30Z"), 1)


class DeadLetterTest(ExampleTest):
    def setUp(self):
        super().setUp()
        self.write("transactions.ndjson", TRANSACTIONS + b'{"id": "broken", "user_id": \n'
                   + line(ts="2999-01-01T00:00:00Z"))
        self.run_once()
        self.listing = command.run("deadletters", "list", "--data", self.data, check=True).out

    def test_list_names_phase_and_source(self):
        self.assertIn("parse", self.listing)
        self.assertIn("time", self.listing)
        self.assertIn("transactions", self.listing)

    def test_list_has_no_more_than_there_are(self):
        self.assertEqual(sum("parse" in t for t in self.listing.splitlines()), 1)

    def test_show_gives_the_original_bytes(self):
        row = next(t for t in self.listing.splitlines() if "parse" in t)
        tried = []
        for word in [None, *row.split()]:
            shown = command.run("deadletters", "show", "--data", self.data,
                                *([word] if word else []))
            tried.append(shown)
            if shown.code == 0 and '{"id": "broken", "user_id":' in shown.out:
                return
        self.fail("no column of the listing names the dead letter:\n"
                  + "\n".join(map(str, tried)))

    def test_a_place_of_several_partitions_is_refused_until_one_is_named(self):
        broken = b'{"id": "broken"\n'
        for name in ("transactions.ndjson", "users.ndjson"):
            self.write(name, broken)
        fresh = self.path("fresh")
        command.run("run", self.declaration, "--data", fresh, "--once", check=True)
        drop = ["deadletters", "drop", "--data", fresh, "--at", str(len(broken)), "--json"]
        self.assert_refused(command.run(*drop), "several partitions", "users.ndjson")
        one = command.run(*drop, "--partition", self.path("users.ndjson"), check=True)
        self.assertEqual(one.out, '{"dropped": 1}\n')
        left = command.run("deadletters", "list", "--data", fresh, "--json", check=True)
        self.assertEqual([letter["source"] for letter in json.loads(left.out)["letters"]],
                         ["transactions"])

    def test_a_second_run_writes_none_again(self):
        self.run_once()
        again = command.run("deadletters", "list", "--data", self.data, check=True).out
        self.assertEqual(len(again.splitlines()), len(self.listing.splitlines()))


class WrongArgumentsTest(ExampleTest):
    """They end with code 2 and say which argument, and what could stand there."""

    def assert_usage(self, arguments, *patterns):
        result = command.run(*arguments)
        self.assertEqual(result.code, 2, result)
        self.assert_refused(result, *patterns)

    def test_a_command_that_is_none(self):
        self.assert_usage(["qery"], "no command `qery`; did you mean `query`")
        self.assert_usage(["deadletters", "shw"], "no command `shw`; did you mean `show`")
        self.assert_usage(["help"], "there are: .*`run`")

    def test_an_empty_or_unreadable_time(self):
        for now in ["", "now", "2024-13-01", "1e3"]:
            for name in ["query", "explain"]:
                self.assert_usage([name, "--data", self.data, "--entity", "User=u1", "--feature",
                                   "card_payments", "--now", now], f"--now is `{now}`")

    def test_a_limit_below_zero(self):
        self.assert_usage(["deadletters", "list", "--data", self.data, "--limit", "-1"], "--limit")
        self.assert_usage(["explain", "--data", self.data, "--entity", "User=u1", "--feature",
                           "card_payments", "--limit", "-1"], "--limit")

    def test_an_empty_data_folder(self):
        self.run_once()
        self.assert_usage(["inspect", "--data", ""], "give --data dir")


if __name__ == "__main__":
    unittest.main()
