"""Rows that cannot be used: each is a dead letter with phase, source and line; the rest goes on."""

import json
import time
import unittest

import command
import times
from example import DECLARATION, NOW, ExampleTest, line

GOOD = line(amount=1.0)
_PLAIN = GOOD.rstrip(b"\n")

#: name: (line, the phase it must be dead-lettered in, or None where either would do)
BAD = {
    "not_json": (b"hello", "parse"),
    "cut_off": (_PLAIN[:-9], "parse"),
    "trailing_text": (_PLAIN + b" x", "parse"),
    "two_objects": (_PLAIN + _PLAIN, "parse"),
    "an_array": (b"[" + _PLAIN + b"]", "parse"),
    "a_number": (b"42", "parse"),
    "null": (b"null", "parse"),
    "broken_inside_an_unused_key": (_PLAIN[:-1] + b', "more": tru}', "parse"),
    "a_raw_control_character": (_PLAIN[:-1] + b', "more": "a\x01b"}', "parse"),
    "a_text_for_a_float": (line(amount="1.0"), "parse"),
    "a_bool_for_a_float": (line(amount=True), "parse"),
    "a_float_for_an_int": (line(items=5.0), "parse"),
    "a_number_for_a_text": (line(id=7), "parse"),
    "an_object_for_a_text": (line(id={"a": 1}), "parse"),
    "a_missing_key": (json.dumps({"id": "x", "user_id": "u1", "ts": NOW}).encode(), "parse"),
    "null_where_it_is_not_allowed": (_PLAIN.replace(b'"u1"', b"null"), "parse"),
    "an_int_above_64_bits": (line(items=2**63), "parse"),
    "an_int_below_64_bits": (line(items=-(2**63) - 1), "parse"),
    "a_float_out_of_range": (_PLAIN.replace(b"1.0", b"1e400"), "parse"),
    "nan": (_PLAIN.replace(b"1.0", b"NaN"), "parse"),
    "infinity": (_PLAIN.replace(b"1.0", b"Infinity"), "parse"),
    "minus_infinity": (_PLAIN.replace(b"1.0", b"-Infinity"), "parse"),
    "invalid_utf_8": (_PLAIN.replace(b"u1", b"u\xff"), "parse"),
    "invalid_utf_8_in_an_unused_key": (_PLAIN[:-1] + b', "more": "\xc3("}', "parse"),
    "a_time_far_in_the_future": (line(ts="2999-01-01T00:00:00Z"), "time"),
    "a_time_in_seconds_of_the_year_9999": (line(ts="9999-12-31T23:59:59Z"), "time"),
    "an_unreadable_time": (line(ts="yesterday"), None),
    "an_impossible_date": (line(ts="2024-02-30T00:00:00Z"), None),
    "a_time_beyond_all_calendars": (line(ts=2**62), None),
    "an_object_for_a_time": (line(ts={"seconds": 1}), None),
    "a_long_line_of_nothing": (b"x" * (11 << 20), None),
    "a_long_line_of_json": (_PLAIN[:-1] + b', "more": "' + b"y" * (11 << 20) + b'"}', None),
}


class BadInputTest(ExampleTest):
    def judge(self, bad, phase):
        self.write("transactions.ndjson", GOOD + bad.rstrip(b"\n") + b"\n" + GOOD)
        result = self.run_once()
        said = command.summary(result.text)
        self.assertEqual((said.get("dead"), said.get("applied")), (1, 4), result)  # 2 users
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 2.0)
        listing = command.run("deadletters", "list", "--data", self.data, check=True).out
        rows = [t for t in listing.splitlines() if "transactions" in t]
        self.assertEqual(len(rows), 1, listing)
        if phase:
            self.assertIn(phase, rows[0])

    def test_half_a_row_at_the_end_is_left_for_the_next_run(self):
        self.write("transactions.ndjson", GOOD + b'{"id": "x", ')
        text = self.run_once().text
        said = command.summary(text)
        self.assertEqual((said.get("dead"), said.get("applied")), (0, 3))
        self.assertIn("its last 12 bytes are left", text)

    def test_the_summary_names_the_reason(self):
        self.write("transactions.ndjson", b"nonsense\n" + line(ts="2999-01-01T00:00:00Z"))
        text = self.run_once().text
        self.assertIn("parse", text)
        self.assertIn("time", text)

    def test_the_line_is_said(self):
        self.write("transactions.ndjson", GOOD * 6 + b"nonsense\n" + GOOD)
        self.run_once()
        listing = command.run("deadletters", "list", "--data", self.data, check=True).out
        row = next(t for t in listing.splitlines() if "transactions" in t)
        offset = len(GOOD) * 6
        self.assertRegex(row, rf"\b(7|{offset}|{offset + len(b'nonsense') + 1})\b")

    def test_five_minutes_ahead_is_the_limit(self):
        # Far enough on both sides of it that the clock may move during the test.
        soon = times.format_instant(int((time.time() + 240) * 1e6))
        later = times.format_instant(int((time.time() + 900) * 1e6))
        self.write("transactions.ndjson", line(ts=soon) + line(ts=later))
        said = command.summary(self.run_once().text)
        self.assertEqual((said.get("dead"), said.get("applied")), (1, 3))

    def test_a_null_result_for_a_feature_that_forbids_it(self):
        self.write("features.yaml", DECLARATION.replace(
            "Transaction.amount: _.amount", "Transaction.amount: _.amount / _.items").encode())
        self.write("transactions.ndjson", line(items=0) + line(items=2))
        check = command.run("check", self.declaration)
        if check.code != 0:  # refused beforehand is as good, where it says what to write
            self.assertRegex(check.text, r"features\.yaml:\d+:\d+")
            return
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 0.5)
        listing = command.run("deadletters", "list", "--data", self.data, check=True).out
        self.assertIn("resolve", listing)

    def test_a_null_in_a_join_key_is_no_dead_letter(self):
        self.write("transactions.ndjson", GOOD)  # no kind: half of the two-key join
        said = command.summary(self.run_once().text)
        self.assertEqual(said.get("dead"), 0)
        self.assertEqual(self.value("home_payments"), 0)

    def test_unused_keys_are_ignored(self):
        self.write("transactions.ndjson", line(more={"deep": [1, {"x": None}]}))
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 1.0)

    def test_keys_in_any_order_and_escaped(self):
        self.write("transactions.ndjson", b' { "ts":"2024-03-01T12:00:30Z", "amount" : 3,'
                   b' "user_id":"\\u00751", "id":"\\ud83d\\ude00" } \n')
        self.run_once()
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 3.0)

    def test_a_thousand_bad_rows_do_not_stop_a_good_one(self):
        self.write("transactions.ndjson", b"nonsense\n" * 1000 + GOOD)
        said = command.summary(self.run_once().text)
        self.assertEqual((said.get("dead"), said.get("applied")), (1000, 3))
        self.assertEqual(self.value("sum_transaction_amount[10m]"), 1.0)


def _bad(row, phase):
    return lambda self: self.judge(row, phase)


for _name, _case in BAD.items():
    setattr(BadInputTest, f"test_{_name}", _bad(*_case))

if __name__ == "__main__":
    unittest.main()
