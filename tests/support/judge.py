"""Compares one query answer (parsed JSON) with what the oracle expects."""

import times

_ENVELOPE = {"now", "catalog_version", "rows"}
_ROW = {"entity", "key", "position", "features", "errors"}


def _instant(value):
    try:
        return times.parse_instant(value)
    except (ValueError, TypeError):
        return None


def _same(expected, got, tolerance, is_datetime):
    if expected is None or got is None:
        return expected is None and got is None
    if isinstance(expected, bool) or isinstance(got, bool):
        return isinstance(expected, bool) and isinstance(got, bool) and expected == got
    if is_datetime:
        return _instant(got) == expected
    if isinstance(expected, (int, float)) and isinstance(got, (int, float)):
        if isinstance(expected, int) and not tolerance and isinstance(got, float):
            return False  # int features print as integers
        if expected == got:
            return True
        allowed = tolerance if isinstance(expected, int) else max(tolerance,
                                                                  1e-9 * abs(expected))
        return abs(expected - got) <= allowed
    return type(expected) is type(got) and expected == got


def _compare_value(name, expected, got, datetimes):
    problems = []
    for answer in expected.answers:
        if not answer.error and _same(answer.value, got.get("value"), answer.tolerance,
                                      name in datetimes):
            break
    else:
        wanted = " or ".join(a.error or repr(a.value) for a in expected.answers)
        problems.append(f"{name}: value {got.get('value')!r}, expected {wanted}")
    if expected.scalar:
        if got.get("at") is not None and expected.at is not None:
            if _instant(got["at"]) not in expected.at:
                problems.append(f"{name}: at {got['at']}, expected "
                                + " or ".join(map(times.format_instant, expected.at)))
        return problems
    for key, wanted in (("from", expected.start), ("to", expected.end)):
        if _instant(got.get(key)) != wanted:
            problems.append(f"{name}: {key} {got.get(key)!r}, expected "
                            f"{times.format_instant(wanted)}")
    if got.get("events") != expected.events or isinstance(got.get("events"), float):
        problems.append(f"{name}: events {got.get('events')!r}, expected {expected.events}")
    return problems


def compare_row(expected, row, datetimes=()):
    """Differences between `{full name: Expected}` and one row of an answer, as sentences."""
    if set(row) != _ROW:
        return [f"a row has the members {sorted(row)}, expected {sorted(_ROW)}"]
    problems = []
    if not isinstance(row["position"], dict):
        problems.append(f"position is {row['position']!r}, expected an object")
    errors = {}
    for error in row["errors"]:
        if set(error) != {"feature", "code", "message"}:
            problems.append(f"an error has the members {sorted(error)}")
        if error.get("feature") in errors:
            problems.append(f"{error.get('feature')} is twice in errors")
        errors[error.get("feature")] = error.get("code")
    for name in sorted(set(errors) & set(row["features"])):
        problems.append(f"{name} is both in features and in errors")
    for name in sorted((set(errors) | set(row["features"])) - set(expected)):
        problems.append(f"{name} was not asked for")
    for name, wanted in expected.items():
        codes = {a.error for a in wanted.answers if a.error}
        codes |= {"overflow" for a in wanted.answers if a.may_overflow}
        if name in errors:
            if errors[name] not in codes:
                value = " or ".join(repr(a.value) if not a.error else a.error
                                    for a in wanted.answers)
                problems.append(f"{name}: error {errors[name]}, expected {value}")
        elif name not in row["features"]:
            problems.append(f"{name} is missing")
        elif all(a.error for a in wanted.answers):
            problems.append(f"{name}: value {row['features'][name].get('value')!r}, expected "
                            f"the error {' or '.join(sorted(codes))}")
        else:
            problems += _compare_value(name, wanted, row["features"][name], datetimes)
    return problems


def compare_answer(oracle, class_name, keys, names, now, answer):
    """Differences between a whole answer and the oracle's, each naming its entity."""
    if not isinstance(answer, dict) or set(answer) != _ENVELOPE:
        return [f"the answer is not an object with {sorted(_ENVELOPE)}: {str(answer)[:200]}"]
    problems = []
    if _instant(answer["now"]) != now:
        problems.append(f"now is {answer['now']}, expected {times.format_instant(now)}")
    if answer["catalog_version"] != 1:
        problems.append(f"catalog_version is {answer['catalog_version']!r}, expected 1")
    if len(answer["rows"]) != len(keys):
        return problems + [f"{len(answer['rows'])} rows for {len(keys)} entities"]
    scalars = oracle.classes[class_name].scalars
    datetimes = {n for n in names if n.split(".", 1)[1] in scalars
                 and scalars[n.split(".", 1)[1]].type.kind == "datetime"}
    for key, row in zip(keys, answer["rows"]):
        where = f"{class_name}={key}: "
        if row.get("entity") != class_name or str(row.get("key")) != str(key):
            problems.append(f"{where}row names {row.get('entity')}={row.get('key')}")
        expected = oracle.query(class_name, key, names, now)
        problems += [where + p for p in compare_row(expected, row, datetimes)]
    return problems
