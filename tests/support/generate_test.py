"""The generator judged: a program with any one of these faults must differ on an early seed."""

import unittest
from unittest import mock

import aggregations
import definitions
import expressions
import generate
import oracle
import times

_SEEDS = range(1, 41)
_REAL = {"floor": times.floor_to_bucket, "compute": aggregations.compute,
         "retention": oracle.Oracle.retention, "updates": oracle.Oracle.updates,
         "series": oracle.Oracle._series, "stored": oracle.Oracle._stored,
         "convert": oracle.convert, "compare": expressions._compare}


def _newest_of_its_group(self, class_name, key, feature, window, now):
    group = self._group_key(class_name, key, feature.relation)
    groups, newest = _REAL["series"](self, feature)
    if group in groups:
        newest = max(r.time for r in groups[group])
    with mock.patch.object(oracle.Oracle, "_series", lambda *_: (groups, newest)):
        return _WINDOW_VALUE(self, class_name, key, feature, window, now)


_WINDOW_VALUE = oracle.Oracle.window_value


def _first_arrival(self, class_name, key, name):
    rows = [r for r in self.rows[class_name] if r.values.get("id") == key and name in r.values]
    return (rows[-1:], rows[-1].time) if rows else ([], None)


def _own_windows_only(self, feature, window):
    return window.length + window.bucket


def _nulls_are_zero(function, arguments, rows, is_int):
    return _REAL["compute"](function, [0 if a is None and function != "approx_count_distinct"
                                       else a for a in arguments], rows, is_int)


def _wrapping(function, arguments, rows, is_int):
    answer = _REAL["compute"](function, arguments, rows, is_int)
    if answer.error and is_int:
        total = sum(a for a in arguments if a is not None)
        return aggregations.Answer((total + 2**63) % 2**64 - 2**63)
    return answer


def _population(function, arguments, rows, is_int):
    answer = _REAL["compute"](function, arguments, rows, is_int)
    n = sum(a is not None for a in arguments)
    if function == "var" and n > 1:
        return aggregations.Answer(answer.value * (n - 1) / n)
    return answer


def _plain_updates(self, stream, feature):
    s = self.by_stream[stream]
    return s.updates and s.output_class == feature.relation.child and {
        c for _, c in feature.relation.pairs} <= set(s.outputs)


def _ignoring_opt_out(self, stream, feature):
    with mock.patch.object(self.by_stream[stream], "updates", True):
        return _REAL["updates"](self, stream, feature)


#: name: (object, attribute, faulty replacement)
FAULTS = {
    "buckets toward zero": (times, "floor_to_bucket", lambda t, d, o: int((t - o) / d) * d + o),
    "origins ignored": (times, "floor_to_bucket", lambda t, d, o: _REAL["floor"](t, d, 0)),
    "newest time of the group": (oracle.Oracle, "window_value", _newest_of_its_group),
    "retention of its own window only": (oracle.Oracle, "retention", _own_windows_only),
    "retention without the bucket": (oracle.Oracle, "retention", lambda s, f, w: (
        _REAL["retention"](s, f, w) - w.bucket)),
    "last arrival wins": (oracle.Oracle, "_stored", _first_arrival),
    "nulls are zero": (oracle, "compute", _nulls_are_zero),
    "int sums wrap": (oracle, "compute", _wrapping),
    "population variance": (oracle, "compute", _population),
    "inference without arguments": (oracle.Oracle, "updates", _plain_updates),
    "opt-out ignored": (oracle.Oracle, "updates", _ignoring_opt_out),
    "null equals null": (expressions, "_compare", lambda s, a, b: (
        a is not b if s == "!=" else _REAL["compare"](s, a, b))),
    "5.0 is an int": (oracle, "convert", lambda v, t: _REAL["convert"](
        int(v) if t.kind == "int" and isinstance(v, float) and v == 5.0 else v, t)),
    "any future": (oracle, "FUTURE_SKEW", 2**62),
}


def answers(case):
    judge = oracle.Oracle(case.definition)
    for source, data in case.files.items():
        judge.feed_file(source, data, arrival=1_800_000_000 * times.SECOND)
    found = []
    for q in case.queries:
        for key in q.keys:
            for name, e in judge.query(q.entity_class, key, q.names, q.now).items():
                found.append((name, [(a.value, a.error) for a in e.answers], e.start, e.end,
                              e.events))
    return found


class GeneratorTest(unittest.TestCase):
    def test_every_planted_fault_shows_on_an_early_seed(self):
        missing = dict(FAULTS)
        for seed in _SEEDS:
            case = generate.make(seed, 150)
            right = answers(case)
            for name, (target, attribute, faulty) in list(missing.items()):
                with mock.patch.object(target, attribute, faulty):
                    try:
                        different = answers(case) != right
                    except Exception:  # a fault that falls over is found as well
                        different = True
                if different:
                    del missing[name]
            if not missing:
                return
        self.fail(f"no seed of {_SEEDS} shows: {', '.join(missing)}")

    def test_a_seed_gives_the_same_case_each_time(self):
        a, b = generate.make(7), generate.make(7)
        self.assertEqual((a.yaml, a.files, a.queries), (b.yaml, b.files, b.queries))

    def test_declarations_can_be_read(self):
        for seed in _SEEDS:
            with self.subTest(seed=seed):
                definitions.read(generate.make(seed, 5).definition)


if __name__ == "__main__":
    unittest.main()
