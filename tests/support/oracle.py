"""The naive oracle: keeps every event and computes each answer straight from the definitions.

    oracle = Oracle(definition)                      # a dict of the YAML's shape
    oracle.feed("transactions", b'{"id": …}')        # one line of a source; returns its outcome
    oracle.query("User", "u1", ["user.sum__600__"], now)   # {name: Expected}

No buckets, partials, sketches or shards here, and no code shared with the product.

Rules, in one place:
* a window answers from every bucket that overlaps (now - W, now], whole;
* a bucket is kept while its end is after the newest event time of its series minus the rule's
  retention (longest window sharing the rule plus one bucket, or the declared one where longer);
  a value whose first bucket is not kept is the error `expired`;
* that newest event time is taken over the rows of all groups that passed the filter and had no
  null in their key;
* a scalar is its value at the newest event time; `at` after `now` is left open by the rules;
* where a stream is deduplicated, a row is a `duplicate` if one with its id counts whose time is at
  most `within` away, and at most `within` before the newest that counts (its source being one
  partition).
"""

import json
import math
import time
from dataclasses import dataclass, field

import definitions
import expressions
import times
from aggregations import Answer, compute

FUTURE_SKEW = 5 * times.MINUTE
_TIME_MIN, _TIME_MAX = -(2**62), 2**62


class Rejected(Exception):
    """A message that must become a dead letter."""


@dataclass
class Row:
    """One instance of a feature class; `values` has only the features its resolver outputs."""

    time: int
    values: dict
    stream: str
    timed: bool = True  # False: the event time is the arrival, which the judge only guesses


@dataclass
class Expected:
    """What an answer must say about one feature: one of `answers`, and its interval."""

    answers: list = field(default_factory=list)
    start: int = None
    end: int = None
    events: int = None
    at: set = None
    scalar: bool = False


def _refuse_constant(text):
    raise Rejected(f"{text} is not JSON")


def decode(line):
    """The object a line holds, or Rejected."""
    try:
        text = line.decode("utf-8")
        found = json.loads(text, parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Rejected(str(error)) from error
    if not isinstance(found, dict):
        raise Rejected("not an object")
    return found


def convert(value, wanted):
    """A JSON value as a declared type, or Rejected."""
    if value is None:
        if wanted.nullable:
            return None
        raise Rejected("null or missing")
    is_bool = isinstance(value, bool)
    if wanted.kind == "str" and isinstance(value, str):
        return value
    if wanted.kind == "bool" and is_bool:
        return value
    if wanted.kind == "int" and isinstance(value, int) and not is_bool:
        if expressions.INT_MIN <= value <= expressions.INT_MAX:
            return value
    if wanted.kind == "float" and isinstance(value, (int, float)) and not is_bool:
        if abs(value) < 2**1024 and math.isfinite(float(value)):
            return float(value)
    if wanted.kind == "datetime" and isinstance(value, (str, int)) and not is_bool:
        try:
            at = times.parse_instant(value)
        except ValueError as error:
            raise Rejected(str(error)) from error
        if _TIME_MIN <= at <= _TIME_MAX:
            return at
    if wanted.kind == "list" and isinstance(value, list):
        return [convert(item, wanted.element) for item in value]
    raise Rejected(f"{value!r} is no {wanted.kind}")


class Oracle:
    """Every event of one definition, and every answer about them."""

    def __init__(self, definition):
        self.classes, self.streams = definitions.read(definition)
        self.by_stream = {s.name: s for s in self.streams}
        self.rows = {name: [] for name in self.classes}
        self.outcomes = {"applied": 0, "skipped": 0, "dead": 0, "duplicate": 0}
        self._ids = {s.name: {} for s in self.streams}  # id -> times that count
        self._newest_id = {}                            # stream -> newest time that counts
        self._cache = {}

    # ---- events in ----

    def feed(self, source, line, arrival=None):
        """One line of a source through its stream: `applied`, `skipped`, `dead` or `duplicate`."""
        self._cache.clear()
        if arrival is None:
            arrival = int(time.time() * 1e6)
        outcome = "applied"
        for stream in self.streams:
            if stream.source == source:
                outcome = self._resolve(stream, line, arrival)
        self.outcomes[outcome] += 1
        return outcome

    def feed_file(self, source, data, arrival=None):
        """All lines of a file's bytes; a last line without its newline counts."""
        lines = data.split(b"\n")
        for line in lines[:-1] if lines[-1] == b"" else lines:
            self.feed(source, line, arrival)

    def _resolve(self, stream, line, arrival):
        try:
            message = decode(line)
            row = {k: convert(message.get(k), t) for k, t in stream.message.items()}
        except Rejected:
            return "dead"
        if stream.parse is not None and expressions.evaluate(stream.parse, row) is None:
            return "skipped"
        target = self.classes[stream.output_class]
        values = {}
        for name, node in stream.outputs.items():
            value = expressions.evaluate(node, row)
            wanted = target.fields[name]
            if value is None and not wanted.nullable:
                return "dead"
            if wanted.kind == "float" and value is not None:
                value = float(value)
                if not math.isfinite(value):
                    return "dead"
            values[name] = value
        timed = target.time_field in values
        at = values[target.time_field] if timed else arrival
        if at > arrival + FUTURE_SKEW:
            return "dead"
        if stream.id is not None and self._is_duplicate(stream, row, at):
            return "duplicate"
        self.rows[stream.output_class].append(Row(at, values, stream.name, timed))
        return "applied"

    def _is_duplicate(self, stream, row, at):
        name = expressions.evaluate(stream.id, row)
        if name is None:
            return False
        known = self._ids[stream.name].setdefault(name, [])
        newest = self._newest_id.get(stream.name, at)
        if any(abs(at - t) <= stream.within and t >= newest - stream.within for t in known):
            return True
        known.append(at)
        self._newest_id[stream.name] = max(newest, at)
        return False

    # ---- inference ----

    def updates(self, stream, feature):
        """Whether a stream (by name) updates the series of a windowed feature."""
        stream = self.by_stream[stream]
        if not stream.updates or stream.output_class != feature.relation.child:
            return False
        needed = {child for _, child in feature.relation.pairs}
        if feature.argument and feature.function != "count":
            needed.add(feature.argument)
        for node in feature.filters:
            needed |= expressions.attributes(node)
        return needed <= set(stream.outputs)

    def _series(self, feature):
        """({group key: rows}, newest event time or None) of a feature's series."""
        pairs = tuple(child for _, child in feature.relation.pairs)
        cached = (feature.series_key(), pairs)
        if cached in self._cache:
            return self._cache[cached]
        groups, newest = {}, None
        feeding = {s.name for s in self.streams if self.updates(s.name, feature)}
        for row in self.rows[feature.relation.child]:
            if row.stream not in feeding:
                continue
            if not all(expressions.evaluate(f, row.values) is True for f in feature.filters):
                continue
            key = tuple(row.values[child] for child in pairs)
            if None in key:
                continue
            groups.setdefault(key, []).append(row)
            newest = row.time if newest is None else max(newest, row.time)
        self._cache[cached] = (groups, newest)
        return groups, newest

    def retention(self, feature, window):
        """The retention of the rule that serves one window, over all features that share it."""
        longest = 0
        for other_class in self.classes.values():
            for other in other_class.windowed.values():
                if (other.series_key(), other.function) != (feature.series_key(),
                                                            feature.function):
                    continue
                for w in other.windows:
                    if (w.bucket, (w.origin - window.origin) % w.bucket) == (window.bucket, 0):
                        longest = max(longest, w.length + w.bucket, other.retention or 0)
        return longest

    # ---- answers out ----

    def newest(self):
        """The newest event time of all rows, or None."""
        return max((r.time for rows in self.rows.values() for r in rows), default=None)

    def _stored(self, class_name, key, name):
        """(rows at the newest event time that have the feature, that time), or ([], None)."""
        index = self._cache.get(class_name)
        if index is None:
            index = self._cache[class_name] = {}
            for row in self.rows[class_name]:
                index.setdefault(row.values.get("id"), []).append(row)
        best, found = None, []
        for row in index.get(key, []):
            if name not in row.values:
                continue
            if best is None or row.time > best:
                best, found = row.time, []
            if row.time == best:
                found.append(row)
        return found, best

    def _group_key(self, class_name, key, relation):
        parts = []
        for local, _ in relation.pairs:
            if local == "id":
                parts.append(key)
                continue
            found, _ = self._stored(class_name, key, local)
            if not found or found[0].values[local] is None:
                return None
            parts.append(found[0].values[local])
        return tuple(parts)

    def window_value(self, class_name, key, feature, window, now):
        """The value of one window of one entity at `now`."""
        first = times.floor_to_bucket(now - window.length, window.bucket, window.origin)
        end = times.floor_to_bucket(now, window.bucket, window.origin) + window.bucket
        group = self._group_key(class_name, key, feature.relation)
        if group is None:
            return Expected([Answer(error="join_key_missing")])
        groups, newest = self._series(feature)
        kept_after = None if newest is None else newest - self.retention(feature, window)
        if newest is not None and first + window.bucket <= kept_after:
            return Expected([Answer(error="expired")])
        rows = [r for r in groups.get(group, []) if first <= r.time < end]
        arguments = [r.values.get(feature.argument) for r in rows] if feature.argument else []
        child = self.classes[feature.relation.child]
        is_int = bool(feature.argument) and child.fields[feature.argument].kind == "int"
        answer = compute(feature.function, arguments, len(rows), is_int)
        if answer.value is None and not answer.error and feature.default is not None:
            answer = Answer(feature.default)
        return Expected([answer], first, end, len(rows))

    def scalar_value(self, class_name, key, name, now):
        """The value of one stored scalar of one entity at `now`."""
        found, at = self._stored(class_name, key, name)
        if not found:
            return Expected([Answer(None)], scalar=True)
        stale = now - at > self.classes[class_name].scalars[name].max_staleness
        answers = [Answer(None)] if stale else [Answer(r.values[name]) for r in found]
        if at > now:
            answers.append(Answer(None))
        return Expected(answers, at={at} if all(r.timed for r in found) else None, scalar=True)

    def names(self, class_name):
        """All full names that a query may ask of a class."""
        c = self.classes[class_name]
        found = [f"{c.namespace}.{s.name}" for s in c.scalars.values() if s.stored]
        for f in c.windowed.values():
            found += [f"{c.namespace}.{f.name}{w.suffix}" for w in f.windows]
        return found

    def query(self, class_name, key, names, now):
        """{full name: Expected} for one entity; `names` are full names such as `user.s__600__`."""
        c = self.classes[class_name]
        answers = {}
        for full in names:
            name = full.split(".", 1)[1]
            if name in c.scalars:
                answers[full] = self.scalar_value(class_name, key, name, now)
                continue
            for feature in c.windowed.values():
                for window in feature.windows:
                    if name == feature.name + window.suffix:
                        answers[full] = self.window_value(class_name, key, feature, window, now)
        missing = set(names) - set(answers)
        if missing:
            raise KeyError(f"no such features: {sorted(missing)}")
        return answers

    def late(self, feature, window):
        """Rows too old for a window's rule when they came, all rows being fed in order."""
        retention, newest, late = self.retention(feature, window), None, 0
        feeding = {s.name for s in self.streams if self.updates(s.name, feature)}
        pairs = [child for _, child in feature.relation.pairs]
        for row in self.rows[feature.relation.child]:
            if row.stream not in feeding or None in [row.values[p] for p in pairs]:
                continue
            if not all(expressions.evaluate(f, row.values) is True for f in feature.filters):
                continue
            end = times.floor_to_bucket(row.time, window.bucket, window.origin) + window.bucket
            if newest is not None and end <= newest - retention:
                late += 1
            newest = row.time if newest is None else max(newest, row.time)
        return late
