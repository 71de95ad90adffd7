"""`windrow check`: what it prints, and the errors it finds with their places."""

import json
import re
import unittest

import command
from example import DECLARATION, ExampleTest

#: name: (text of the example, what it becomes, what the error must say besides its place).
#: The new text is one line or begins with the wrong one.
WRONG = {
    "unknown_top_level_key": ("sources:\n", "sauces: {}\nsources:\n", "sauces"),
    "unknown_key_in_a_class": ("    max_staleness: infinity", "    max_stale: infinity",
                               "max_stale"),
    "unknown_key_in_a_stream": ("    source: users", "    surce: users", "surce"),
    "unknown_key_in_materialization": ("{ bucket_duration: 1m, bucket_durations",
                                       "{ bucket_length: 1m, bucket_durations", "bucket_length"),
    "unknown_type": ("      name: str | null", "      name: string", "string"),
    "unknown_class_in_has_many": ("{ has_many: Transaction, join: User.id == "
                                  "Transaction.user_id, max", "{ has_many: Payment, join: User.id"
                                  " == Payment.user_id, max", "payment"),
    "unknown_field_in_a_join": ("== Transaction.user_id, max", "== Transaction.owner, max",
                                "owner"),
    "join_of_different_types": ("User.home == Transaction.kind", "User.home == Transaction.items",
                                "type|int|str"),
    "missing_join": ("{ has_many: Transaction, join: User.id == Transaction.user_id, "
                     "max_staleness: 30d }", "{ has_many: Transaction }", "join"),
    "unknown_attribute_in_an_expression": ("_.transactions[_.amount].max()",
                                           "_.transactions[_.amuont].max()", "amuont"),
    "unknown_relation": ("_.at_home.count()", "_.away.count()", "away"),
    "unknown_aggregation": ("_.transactions[_.amount].max()", "_.transactions[_.amount].median()",
                            "median"),
    "expression_that_does_not_parse": ("_.transactions[_.items].sum()",
                                       "_.transactions[_.items.sum()", None),
    "two_projections": ("_.transactions[_.items].sum()", "_.transactions[_.items, _.amount].sum()",
                        None),
    "sum_without_projection": ("_.transactions[_.items].sum()", "_.transactions.sum()", None),
    "sum_of_text": ("_.transactions[_.items].sum()", "_.transactions[_.kind].sum()",
                    "kind|str|number"),
    "comparison_of_text_with_a_number": ('_.kind == "card"', "_.kind == 1", None),
    "window_start_compared_with_something_else": ("_.ts > _.chalk_window",
                                                  "_.amount > _.chalk_window", "chalk_window"),
    "window_without_bucket": ("{ bucket_duration: 1m, bucket_durations: { 1h: [30d] } }",
                              "{ bucket_durations: { 1h: [30d] } }", "10m|bucket"),
    "window_given_two_buckets": ("bucket_durations: { 1h: [30d] }",
                                 "bucket_durations: { 1h: [30d], 1d: [30d] }", "30d"),
    "bucket_longer_than_its_window": ("{ 1h: [30d] }", "{ 1h: [10m, 30d] }", "10m|1h"),
    "no_materialization": ("        materialization: true\n        default: -1.0",
                           "        default: -1.0", "materialization"),
    "duration_with_a_repeated_unit": ("windowed: [10m, 1h, 30d]", "windowed: [10m, 1h, 30d 4d]",
                                      "4d"),
    "duration_with_an_unknown_unit": ("windowed: [10m, 1h, 30d]", "windowed: [10m, 1h, 30q]",
                                      "q"),
    "unknown_source": ("    source: users", "    source: people", "people"),
    "unknown_message_key": ("User.name: _.name", "User.name: _.nmae", "nmae"),
    "unknown_output_feature": ("User.name: _.name", "User.nmae: _.name", "nmae"),
    "output_of_another_type": ("Transaction.kind: _.kind", "Transaction.kind: _.amount",
                               "kind|float|str"),
}
#: Those whose place may be any line of the feature, as no single word is the wrong one.
WHOLE_FEATURE = {"window_without_bucket", "window_given_two_buckets", "no_materialization",
                 "bucket_longer_than_its_window"}


class CheckTest(ExampleTest):
    def check(self, *more, **options):
        return command.run("check", self.declaration, *more, **options)

    def change(self, old, new):
        self.assertIn(old, DECLARATION)
        self.write("features.yaml", DECLARATION.replace(old, new, 1).encode())

    def test_accepts_the_example(self):
        self.assertEqual(self.check().code, 0)

    def test_names_series_rules_and_features(self):
        text = self.check(check=True).out
        for word in ("Transaction", "user_id", "sum", "mean", "1m", "1h", "30d",
                     "sum_transaction_amount", "item_count"):
            self.assertIn(word, text)

    def test_says_which_stream_updates(self):
        self.assertRegex(self.check(check=True).out, r"transaction_stream(?s:.)*\bupdates\b")

    def test_says_why_a_stream_does_not_update(self):
        self.assertRegex(self.check(check=True).out, r"does not\b.*because")

    def test_a_filter_that_a_stream_cannot_give_is_said(self):
        self.change("      Transaction.kind: _.kind\n", "")
        text = self.check(check=True).out
        self.assertTrue(any("does not" in t and "kind" in t for t in text.splitlines()), text)

    def test_the_opt_out_is_said(self):
        self.change("  transaction_stream:\n", "  transaction_stream:\n"
                    "    updates_materialized_aggregations: false\n")
        text = self.check(check=True).out
        self.assertTrue(any("does not" in t and "updates_materialized_aggregations" in t
                            for t in text.splitlines()), text)

    def test_says_what_is_not_stored(self):
        self.assertRegex(self.check(check=True).text, r"(?i)not stored,? because")

    def test_says_that_a_default_on_a_sum_is_idle(self):
        self.assertIn("idle", self.check(check=True).text)

    def test_says_that_staleness_of_a_relation_is_unused(self):
        self.assertIn("unused", self.check(check=True).text)

    def test_json(self):
        self.assertIsInstance(json.loads(self.check("--json", check=True).out), dict)

    def test_json_of_an_error_still_fails(self):
        self.change("_.at_home.count()", "_.away.count()")
        self.assertGreater(self.check("--json").code, 0)

    def test_all_errors_not_the_first(self):
        text = DECLARATION
        for name in ("unknown_type", "unknown_attribute_in_an_expression", "unknown_source"):
            text = text.replace(*WRONG[name][:2], 1)
        self.write("features.yaml", text.encode())
        result = self.check()
        places = {m.group(1) for m in re.finditer(r"features\.yaml:(\d+):\d+", result.text)}
        wanted = {str(1 + text[:text.index(WRONG[n][1])].count("\n")) for n in (
            "unknown_type", "unknown_attribute_in_an_expression", "unknown_source")}
        self.assertLessEqual(wanted, places, result)

    def test_the_column_of_an_unknown_attribute(self):
        self.change("_.transactions[_.amount].max()", "_.transactions[_.amuont].max()")
        rows = DECLARATION.replace("_.transactions[_.amount].max()",
                                   "_.transactions[_.amuont].max()").splitlines()
        number = next(i for i, t in enumerate(rows) if "amuont" in t)
        begin = rows[number].index("_.amuont") + 1
        match = re.search(rf"features\.yaml:{number + 1}:(\d+)", self.check().text)
        self.assertIsNotNone(match)
        self.assertIn(int(match.group(1)), range(begin, begin + len("_.amuont") + 1))

    def test_a_bare_boolean_is_refused_with_advice(self):
        self.write("features.yaml", DECLARATION.replace("kind: str | null, ts", "kind: bool, ts", 1)
                   .replace('[_.kind == "card"].count()', "[_.amount, _.kind].count()").encode())
        self.assert_refused(self.check(), "== true")

    def test_two_implied_joins_are_ambiguous(self):
        self.write("features.yaml", DECLARATION
                   .replace("user_id: str, amount", "user_id: User.id, payer: User.id, amount", 1)
                   .replace("join: User.id == Transaction.user_id, max", "max", 1).encode())
        self.assert_refused(self.check(), r"features\.yaml:\d+:\d+", "payer|join|ambiguous")

    def test_an_implied_join_is_enough(self):
        self.write("features.yaml", DECLARATION.replace("user_id: str, amount",
                                                        "user_id: User.id, amount", 1)
                   .replace("join: User.id == Transaction.user_id, max", "max", 1).encode())
        self.assertEqual(self.check().code, 0, self.check())

    def test_broken_yaml_has_a_place(self):
        self.change("features:\n", "features: {\n")
        self.assert_refused(self.check(), r"features\.yaml:\d+:\d+")

    def test_a_missing_file(self):
        self.assert_refused(command.run("check", self.path("nothing.yaml")), "nothing.yaml")

    def test_an_environment_variable_is_taken(self):
        self.change("{ file: users.ndjson }", '{ file: "${WINDROW_TEST_USERS}" }')
        self.assertEqual(self.check(env={"WINDROW_TEST_USERS": "u.ndjson"}).code, 0)

    def test_an_environment_variable_that_is_not_set(self):
        self.change("{ file: users.ndjson }", '{ file: "${WINDROW_TEST_UNSET}" }')
        self.assert_refused(self.check(), r"features\.yaml:\d+:\d+", "windrow_test_unset")


def _refusal(name, old, new, says):
    def test(self):
        self.change(old, new)
        text = DECLARATION.replace(old, new, 1)
        number = 1 + text[:text.index(new)].count("\n")
        near = range(-3, 2) if name in WHOLE_FEATURE else (0,)
        lines = "|".join(str(number + i) for i in near)
        self.assert_refused(self.check(), rf"features\.yaml:({lines}):[1-9]", says or "")
    return test


for _name, _case in WRONG.items():
    setattr(CheckTest, f"test_refuses_{_name}", _refusal(_name, *_case))

if __name__ == "__main__":
    unittest.main()
