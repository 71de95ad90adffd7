"""Seeded random declarations with events and queries: what random_definitions.py judges.

    case = make(seed)           # the same seed gives the same case, byte for byte
    case.yaml, case.definition  # text for the program, dict for the oracle
    case.files                  # {file name: bytes}, one a source
    case.queries                # [Query]

`python3 generate.py SEED FOLDER` writes a case to a folder, for looking at.
"""

import os
import random
import sys
from dataclasses import dataclass, field

import times
import yaml_text
from messages import KINDS, MessageMaker

_WINDOWS = ["1m", "5m", "10m", "1h30m", "1h", "6h", "1d", "36h", "7d", "30d", "all"]
_BUCKETS = ["10s", "1m", "7m", "10m", "1h", "5h", "1d", "7d", "30d"]
_ORIGINS = ["1970-01-01T00:00:00+05:30", "2020-01-01T00:13:00Z", "2000-03-05T12:00:00-08:00",
            "1969-07-20T20:17:40Z", "2023-11-14T22:13:27Z"]
_FUNCTIONS = ["sum", "sum", "sum", "count", "count", "min", "max", "mean", "std", "stddev", "var",
              "approx_count_distinct", "any", "all"]
_COUNTRIES = ["de", "fr", "jp", "Österreich", "a b"]
_MAX_BUCKETS = 50_000


@dataclass
class Query:
    entity_class: str
    keys: list
    now: int
    names: list      # full names expected in the answer
    spellings: list  # what is written after --feature


@dataclass
class Case:
    seed: int
    definition: dict = None
    yaml: str = ""
    files: dict = field(default_factory=dict)    # source -> bytes
    paths: dict = field(default_factory=dict)    # source -> file name
    queries: list = field(default_factory=list)


@dataclass
class _Child:
    name: str
    fields: dict
    links: dict = field(default_factory=dict)    # field -> pool of values
    streams: list = field(default_factory=list)
    magnitude: str = "plain"


@dataclass
class _Parent:
    name: str
    id_type: str
    timed: bool
    keys: list
    local: dict = field(default_factory=dict)    # field -> (type, pool)


class _Builder(MessageMaker):
    def __init__(self, seed, events, entities):
        self.rng = random.Random(seed)
        self.events = events
        self.entities = entities
        self.case = Case(seed)
        self.features, self.sources, self.streams = {}, {}, {}
        self.start = self.rng.choice([1_700_000_000, 1_700_000_000, 1_709_164_800, 86_400,
                                      -864_000]) * times.SECOND
        self.span = self.rng.choice([2 * times.HOUR, 2 * times.DAY, 40 * times.DAY])

    def chance(self, p):
        return self.rng.random() < p

    def maybe_null(self, kind, p=0.5):
        return kind + " | null" if self.chance(p) else kind

    # ---- classes ----

    def parents(self):
        shapes = self.rng.sample([("User", "str"), ("Merchant", "int"), ("CardHolder", "str"),
                                  ("Region", "str")], self.rng.randint(1, 3))
        found = []
        for name, kind in shapes:
            count = self.rng.choice([3, 12, 60]) if not self.entities else self.entities
            keys = ([f"{name[0].lower()}{i}" for i in range(count)] if kind == "str"
                    else [self.rng.choice([1, -1]) * (i * i + 1) for i in range(count)])
            local = {"name": ("str | null", None)}
            if self.chance(0.7):
                local["home"] = (self.maybe_null("str"), _COUNTRIES)
            if self.chance(0.5):
                local["level"] = (self.maybe_null("int"), [0, 1, 2, -7])
            if self.chance(0.2):
                local["since"] = ("datetime", None)
            found.append(_Parent(name, kind, self.chance(0.8), keys, local))
        return found

    def child(self, name):
        fields = {"id": self.rng.choice(["str", "int"]),
                  "amount": self.maybe_null("float", 0.4),
                  "n": self.maybe_null("int", 0.4),
                  "quantity": self.maybe_null("int", 0.3),
                  "kind": self.maybe_null("str", 0.6),
                  "flag": self.maybe_null("bool", 0.3)}
        fields[self.rng.choice(["ts", "happened_at"])] = "FeatureTime"
        magnitude = self.rng.choice(["plain"] * 7 + ["big", "big", "extreme"])
        return _Child(name, fields, magnitude=magnitude)

    def relation(self, parent, child, number):
        """Adds the child's link fields; returns the declaration of a has_many."""
        link = f"{parent.name.lower()}_{number}"
        locals_ = [f for f in ("home", "level") if f in parent.local]
        shape = self.rng.choice(["primary", "primary", "implied", "two", "two", "local", "locals"])
        if not locals_ and shape in ("two", "local", "locals"):
            shape = "primary"
        implied = any(str(t).startswith(parent.name + ".") for t in child.fields.values())
        if shape == "implied" and not implied:
            child.fields[link] = f"{parent.name}.id"
            child.links[link] = parent.keys
            return {"has_many": child.name}
        pairs = []
        if shape in ("primary", "implied", "two"):
            child.fields[link] = self.maybe_null(parent.id_type, 0.3)
            child.links[link] = parent.keys
            pairs.append(("id", link))
        if shape in ("two", "local", "locals"):
            wanted = locals_ if shape == "locals" else [self.rng.choice(locals_)]
            for local in wanted:
                kind, pool = parent.local[local]
                name = f"{link}_{local}"
                child.fields[name] = self.maybe_null(kind.split()[0], 0.4)
                child.links[name] = pool
                pairs.append((local, name))
        self.rng.shuffle(pairs)
        sides = []
        for local, far in pairs:
            one = [f"{parent.name}.{local}", f"{child.name}.{far}"]
            if self.chance(0.4):
                one.reverse()
            sides.append(" == ".join(one))
        declared = {"has_many": child.name, self.rng.choice(["join", "join", "on"]):
                    " & ".join(sides)}
        if self.chance(0.2):
            declared["max_staleness"] = "30d"
        return declared

    # ---- windowed features ----

    def condition(self, child, depth=0):
        r = self.rng
        if depth < 2 and self.chance(0.35):
            a, b = self.condition(child, depth + 1), self.condition(child, depth + 1)
            return r.choice([f"({a} | {b})", f"({a}) & ({b})", f"~({a})", f"({a} & {b})"])
        quote = r.choice(['"{}"', "'{}'"]).format
        return r.choice([
            lambda: f"_.kind == {quote(r.choice(KINDS))}",
            lambda: f"_.kind != {quote(r.choice(KINDS))}",
            lambda: f"_.kind in [{quote('card')}, {quote('cash')}]",
            lambda: f"_.amount {r.choice(['>', '>=', '<', '<='])} {r.choice(['10', '-2.5', '1e2'])}",
            lambda: f"{r.choice(['5', '20.5'])} < _.amount",
            lambda: f"_.flag == {r.choice(['true', 'false'])}",
            lambda: f"_.quantity % 3 == {r.randint(0, 2)}",
            lambda: f"_.quantity in [{', '.join(str(r.randint(0, 9)) for _ in range(3))}]",
            lambda: f"_.amount * 2 + _.quantity {r.choice(['<', '>'])} {r.randint(0, 60)}",
            lambda: f"_.quantity - 3 >= {r.randint(-3, 4)}",
            lambda: f"_.amount / _.quantity > {r.randint(0, 9)}",
        ])()

    def windowed(self, relation, child, filters_seen):
        r = self.rng
        function = r.choice(_FUNCTIONS)
        time_field = next(f for f, t in child.fields.items() if t == "FeatureTime")
        if function in ("any", "all"):
            argument = "flag"
        elif function == "approx_count_distinct":
            argument = r.choice(["amount", "n", "quantity", "kind"])
        else:
            argument = r.choice(["amount", "amount", "n", "quantity"])
        keys = [f"_.{argument}"]
        if function == "count" and (len(child.streams) > 1 or self.chance(0.7)):
            keys = []
        if self.chance(0.55):
            if filters_seen and self.chance(0.4):
                keys += r.choice(filters_seen)
            else:
                filters_seen.append([self.condition(child) for _ in range(r.choice([1, 1, 2]))])
                keys += filters_seen[-1]
        if self.chance(0.3):
            keys.append(f"_.{time_field} > _.chalk_window")
        if self.chance(0.15):
            keys.append(f"_.{time_field} <= _.chalk_now")
        inside = f"[{', '.join(keys)}]" if keys else ""
        declared = {"windowed": [], "expression": f"_.{relation}{inside}.{function}()"}
        declared["windowed"] = r.sample(_WINDOWS, r.randint(1, 4))
        declared["materialization"] = self.materialization(declared["windowed"])
        if function not in ("any", "all") and self.chance(0.3):
            whole = function in ("count", "approx_count_distinct") or (
                function in ("sum", "min", "max") and argument != "amount")
            declared["default"] = r.choice([0, -1, 7]) if whole else r.choice([0.0, -1.5])
        return declared

    def materialization(self, windows):
        r = self.rng
        if self.chance(0.25):
            return True
        lengths = {w: times.parse_duration(w) for w in windows}

        def fits(bucket, window):
            length = times.parse_duration(bucket)
            return length <= lengths[window] and lengths[window] / length <= _MAX_BUCKETS

        found = {}
        common = [b for b in _BUCKETS if all(fits(b, w) for w in windows)]
        if common and self.chance(0.7):
            found["bucket_duration"] = r.choice(common)
            singled = [w for w in windows if self.chance(0.3)]
        else:
            singled = windows
        by_bucket = {}
        for w in singled:
            choices = [b for b in _BUCKETS if fits(b, w)] or [w]
            by_bucket.setdefault(r.choice(choices), []).append(w)
        if by_bucket:
            found["bucket_durations"] = {
                b: ws[0] if len(ws) == 1 and self.chance(0.4) else ws
                for b, ws in by_bucket.items()}
        if self.chance(0.35):
            found["bucket_start"] = r.choice(_ORIGINS)
        if self.chance(0.2):
            found["bucket_starts"] = {r.choice(_ORIGINS): [r.choice(windows)]}
        if self.chance(0.15) and "all" not in windows:
            found["retention"] = r.choice(["90d", "200d"])
        return found

    # ---- streams ----

    def stream(self, name, class_name, fields, renamed):
        """Declares a source and a stream that outputs `fields` of a class; returns its name."""
        message, output = {}, {}
        for target, kind in fields.items():
            kind = "datetime" if kind == "FeatureTime" else kind
            if "." in kind:
                kind = self.features[kind.split(".")[0]]["fields"]["id"]
            key = f"m_{target}" if renamed else target
            message[key] = kind
            text = f"_.{key}"
            if target == "amount" and self.chance(0.25):
                text = f"_.{key} * 2.0" if "null" not in kind else f"_.{key} / 4"
            if target == "quantity" and "null" in kind and self.chance(0.3):
                text = f"_.{key} + 1"
            output[f"{class_name}.{target}"] = text
        declared = {"source": name + "s", "message": message, "output": output}
        if self.chance(0.25):
            message["keep"] = "str | null"
            declared["parse"] = "_.keep"
        self.sources[name + "s"] = {"file": f"{name}.ndjson"}
        self.streams[name] = declared
        return name

    def child_streams(self, child):
        low = child.name.lower()
        child.streams.append(self.stream(low, child.name, child.fields, self.chance(0.3)))
        if self.chance(0.4):
            kept = {f: t for f, t in child.fields.items()
                    if f == "id" or t == "FeatureTime" or self.chance(0.75)}
            child.streams.append(self.stream(low + "_partial", child.name, kept, False))
        if self.chance(0.3):
            name = self.stream(low + "_out", child.name, child.fields, False)
            self.streams[name]["updates_materialized_aggregations"] = False
            child.streams.append(name)

    # ---- queries ----

    def query(self, parent, now):
        fields = self.features[parent.name]["fields"]
        names, spellings = [], []
        space = {"CardHolder": "card_holder"}.get(parent.name, parent.name.lower())
        for name, declared in fields.items():
            if name in parent.local:
                if self.features[parent.name].get("max_staleness"):
                    names.append(f"{space}.{name}")
                    spellings.append(self.rng.choice([name, f"{parent.name}.{name}",
                                                      f"{space}.{name}"]))
            if not isinstance(declared, dict) or "windowed" not in declared:
                continue
            whole = self.chance(0.4)
            if whole:
                spellings.append(self.rng.choice([name, f"{parent.name}.{name}"]))
            for text in declared["windowed"]:
                length = times.parse_duration(text)
                suffix = "all" if length == times.ALL else length // times.SECOND
                full = f"{space}.{name}__{suffix}__"
                names.append(full)
                if not whole:
                    spellings.append(self.rng.choice(
                        [f'{name}["{text}"]', f"{name}[{text}]", full, f"{name}__{suffix}__",
                         f'{parent.name}.{name}["{text}"]']))
        several = 100 if self.entities else 4
        keys = self.rng.sample(parent.keys, min(several, len(parent.keys))) + parent.keys[:1]
        keys.append("nobody" if parent.id_type == "str" else 10**12)
        return Query(parent.name, list(dict.fromkeys(keys)), now, names, spellings)

    def queries(self, parents):
        end = self.start + self.span
        r = self.rng
        moments = [end, end - end % times.HOUR, end + r.randrange(1, 48) * times.HOUR + 1,
                   self.start + r.randrange(self.span), end - r.randrange(60 * times.DAY)]
        found = [self.query(p, now) for p in parents for now in moments]
        return [q for q in found if q.names]

    # ---- all together ----

    def build(self):
        r = self.rng
        parents = self.parents()
        children = [self.child(n) for n in r.sample(["Transaction", "Login", "WebHit"],
                                                    r.choice([1, 1, 2]))]
        for parent in parents:
            fields = {"id": parent.id_type}
            if parent.timed:
                fields["updated"] = "FeatureTime"
            fields.update({n: t for n, (t, _) in parent.local.items()})
            self.features[parent.name] = {
                "max_staleness": r.choice(["infinity", "infinity", "3d"]),
                "etl_offline_to_online": True, "fields": fields}
        number, filters_seen = 0, {c.name: [] for c in children}
        relations = []
        for parent in parents:
            for child in r.sample(children, r.randint(1, len(children))):
                for _ in range(r.choice([1, 1, 2])):
                    number += 1
                    declared = self.relation(parent, child, number)
                    self.features[parent.name]["fields"][f"rel_{number}"] = declared
                    relations.append((parent, child, f"rel_{number}"))
        for child in children:
            self.features[child.name] = {"fields": child.fields}
            self.child_streams(child)
        for i, (parent, child, relation) in enumerate(relations):
            for j in range(r.randint(1, 3)):
                self.features[parent.name]["fields"][f"f{i}_{j}"] = self.windowed(
                    relation, child, filters_seen[child.name])
        lines = {}
        for parent in parents:
            fields = {"id": parent.id_type, **{n: t for n, (t, _) in parent.local.items()}}
            if parent.timed:
                fields["updated"] = "FeatureTime"
            name = self.stream(parent.name.lower(), parent.name, fields, False)
            lines[name] = self.parent_lines(parent, name)
        for child in children:
            for stream in child.streams:
                share = 1.0 if stream == child.streams[0] else 0.3
                lines[stream] = self.child_lines(child, stream, int(self.events * share))
        return self.finish(lines, parents)

    def finish(self, lines, parents):
        case = self.case
        for stream, found in lines.items():
            source = self.streams[stream]["source"]
            data = b"\n".join(found)
            case.files[source] = data + (b"\n" if data and self.chance(0.7) else b"")
            case.paths[source] = self.sources[source]["file"]
        order = list(self.features.items())
        self.rng.shuffle(order)
        case.definition = {"features": dict(order), "sources": self.sources,
                           "streams": self.streams}
        case.yaml = yaml_text.write(case.definition, self.rng)
        case.queries = self.queries(parents)
        return case


def make(seed, events=400, entities=None):
    """The case of a seed; `events` is the size of the largest source in lines, `entities` the
    number of keys a class has (a few, where not given)."""
    return _Builder(f"windrow {seed}", events, entities).build()


def write(case, folder):
    """Writes a case's declaration and sources to a folder; returns the declaration's path."""
    os.makedirs(folder, exist_ok=True)
    for source, data in case.files.items():
        with open(os.path.join(folder, case.paths[source]), "wb") as out:
            out.write(data)
    path = os.path.join(folder, "features.yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(case.yaml)
    return path


if __name__ == "__main__":
    print(write(make(int(sys.argv[1])), sys.argv[2]))
