"""Reads a declaration given as a Python dict of the YAML's shape into what the oracle needs.

A dict such as `{"features": …, "sources": …, "streams": …}` is also valid YAML once written as
JSON, so the program under test and the judge read the same declaration. Only well-formed
declarations are understood; the judge is no compiler.
"""

import re
from dataclasses import dataclass, field

from aggregations import ALIASES
import expressions
import times


def namespace_of(name):
    """`CardHolder` -> `card_holder`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


@dataclass(frozen=True)
class Type:
    """A field's type: `kind` is one of str int float bool datetime list."""

    kind: str
    nullable: bool = False
    element: object = None


def parse_type(text):
    """`int | null`, `list[str]` -> Type."""
    text = str(text).strip()
    nullable = False
    match = re.fullmatch(r"(.*?)\s*\|\s*null", text)
    if match:
        nullable, text = True, match.group(1).strip()
    match = re.fullmatch(r"list\[(.*)\]", text)
    if match:
        return Type("list", nullable, parse_type(match.group(1)))
    if text not in ("str", "int", "float", "bool", "datetime"):
        raise ValueError(f"not a type: {text!r}")
    return Type(text, nullable)


@dataclass
class Scalar:
    name: str
    type: Type
    max_staleness: int
    stored: bool


@dataclass
class Relation:
    name: str
    child: str
    pairs: list  # (local field, child field)


@dataclass
class Window:
    length: int
    bucket: int
    origin: int
    suffix: str  # `__600__`, `__all__`


@dataclass
class Windowed:
    name: str
    relation: Relation
    function: str
    argument: str  # empty without a projection
    filters: list
    windows: list
    default: object = None
    retention: int = None

    def series_key(self):
        """What two features must have in common to share a series."""
        child_side = tuple(sorted(c for _, c in self.relation.pairs))
        argument = "" if self.function == "count" else self.argument
        return (self.relation.child, child_side, argument, tuple(map(repr, self.filters)))


@dataclass
class FeatureClass:
    name: str
    time_field: str = None
    fields: dict = field(default_factory=dict)
    references: dict = field(default_factory=dict)  # field -> class it is a foreign key of
    scalars: dict = field(default_factory=dict)
    relations: dict = field(default_factory=dict)
    windowed: dict = field(default_factory=dict)

    @property
    def namespace(self):
        return namespace_of(self.name)


@dataclass
class Stream:
    name: str
    source: str
    message: dict
    output_class: str
    outputs: dict  # field of the class -> expression
    parse: object = None
    updates: bool = True
    id: object = None      # what deduplication compares, an expression; None: no deduplication
    within: int = 0


def _read_fields(name, body, primary_types):
    found = FeatureClass(name)
    class_staleness = times.parse_duration(body.get("max_staleness", "0s"))
    class_online = body.get("etl_offline_to_online", False)
    for key, declared in body["fields"].items():
        if isinstance(declared, dict) and ("has_many" in declared or "windowed" in declared):
            continue
        extra = declared if isinstance(declared, dict) else {}
        text = extra.get("type", declared) if isinstance(declared, dict) else declared
        if text == "FeatureTime":
            found.time_field = key
            found.fields[key] = Type("datetime")
            continue
        reference = re.fullmatch(r"([A-Z]\w*)\.(\w+)", str(text))
        if reference:
            found.references[key] = reference.group(1)
            found.fields[key] = primary_types[reference.group(1)]
        else:
            found.fields[key] = parse_type(text)
        staleness = (times.parse_duration(extra["max_staleness"]) if "max_staleness" in extra
                     else class_staleness)
        online = extra.get("etl_offline_to_online", class_online)
        found.scalars[key] = Scalar(key, found.fields[key], staleness,
                                    staleness > 0 and bool(online) and key != "id")
    return found


def _read_relation(class_name, key, declared, classes):
    child = declared["has_many"]
    text = declared.get("join", declared.get("on"))
    if text is None:
        backwards = [f for f, c in classes[child].references.items() if c == class_name]
        if len(backwards) != 1:
            raise ValueError(f"{class_name}.{key} has no single implied join")
        return Relation(key, child, [("id", backwards[0])])
    pairs = []
    for part in text.split("&"):
        sides = dict(side.strip().split(".") for side in part.strip(" ()").split("=="))
        pairs.append((sides[class_name], sides[child]))
    return Relation(key, child, pairs)


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _by_window(mapping, convert):
    return {times.parse_duration(w): convert(key)
            for key, windows in (mapping or {}).items() for w in _as_list(windows)}


def _read_windowed(key, declared, relations, child_time):
    node = expressions.parse(declared["expression"])
    _, relation_name, keys, function = node
    argument, filters = "", []
    for part in keys:
        if part[0] == "attribute":
            argument = part[1][0]
        elif not {"chalk_window", "chalk_now"} & expressions.attributes(part):
            filters.append(part)
        elif child_time not in expressions.attributes(part):
            raise ValueError(f"{key}: the window is compared with something else")
    given = declared["materialization"]
    given = {} if given is True else given
    plain = given.get("bucket_duration")
    buckets = _by_window(given.get("bucket_durations"), times.parse_duration)
    origin = times.parse_instant(given.get("bucket_start", "1970-01-01T00:00:00Z"))
    origins = _by_window(given.get("bucket_starts"), times.parse_instant)
    windows = []
    for text in declared["windowed"]:
        length = times.parse_duration(text)
        bucket = buckets.get(length) or (times.parse_duration(plain) if plain else length)
        name = "all" if length == times.ALL else str(length // times.SECOND)
        windows.append(Window(length, bucket, origins.get(length, origin), f"__{name}__"))
    retention = times.parse_duration(given["retention"]) if "retention" in given else None
    return Windowed(key, relations[relation_name], ALIASES.get(function, function), argument,
                    filters, windows, declared.get("default"), retention)


def _read_stream(name, declared):
    outputs, class_name = {}, None
    for target, text in declared["output"].items():
        class_name, field_name = target.split(".")
        outputs[field_name] = expressions.parse(text)
    only_once = declared.get("deduplication")
    return Stream(name, declared["source"],
                  {k: parse_type(t) for k, t in declared["message"].items()}, class_name, outputs,
                  expressions.parse(declared["parse"]) if "parse" in declared else None,
                  declared.get("updates_materialized_aggregations", True),
                  expressions.parse(only_once["on"]) if only_once else None,
                  times.parse_duration(only_once["within"]) if only_once else 0)


def read(definition):
    """Returns (classes by name, streams in order)."""
    primary = {name: parse_type(body["fields"]["id"])
               for name, body in definition["features"].items()}
    classes = {name: _read_fields(name, body, primary)
               for name, body in definition["features"].items()}
    for name, body in definition["features"].items():
        for key, declared in body["fields"].items():
            if isinstance(declared, dict) and "has_many" in declared:
                classes[name].relations[key] = _read_relation(name, key, declared, classes)
        for key, declared in body["fields"].items():
            if isinstance(declared, dict) and "windowed" in declared:
                relation = re.match(r"\s*_\.(\w+)", declared["expression"]).group(1)
                child = classes[name].relations[relation].child
                classes[name].windowed[key] = _read_windowed(
                    key, declared, classes[name].relations, classes[child].time_field)
    streams = [_read_stream(n, s) for n, s in definition["streams"].items()]
    return classes, streams
