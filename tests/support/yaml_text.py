"""Writes a dict as YAML text, in a random mixture of the styles people use."""

import json
import re

_PLAIN = re.compile(r"[A-Za-z_][^#:\n\"'{}]*")  # in block context only
_WORD = re.compile(r"[A-Za-z_][\w. ]*\w|[A-Za-z_]")
_RESERVED = re.compile(r"(?i)(true|false|yes|no|on|off|null|y|n|inf|nan)")
_DURATION = re.compile(r"\d+[a-z]+(\d+[a-z]+)*")


def _scalar(value, rng, flow):
    if value is True or value is False or value is None or isinstance(value, (int, float)):
        return json.dumps(value)
    word = _WORD if flow else _PLAIN
    plain = (word.fullmatch(value) and not value.endswith(" ") and not _RESERVED.fullmatch(value)
             or _DURATION.fullmatch(value))
    if plain and rng.random() < 0.8:
        return value
    if rng.random() < 0.5:
        return "'" + value.replace("'", "''") + "'"
    return json.dumps(value)


def _flow(value, rng):
    if isinstance(value, dict):
        inside = ", ".join(f"{_scalar(k, rng, True)}: {_flow(v, rng)}" for k, v in value.items())
        return "{ " + inside + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(v, rng) for v in value) + "]"
    return _scalar(value, rng, True)


def _block(value, rng, indent, lines):
    for key, inside in value.items():
        start = " " * indent + _scalar(key, rng, False) + ":"
        if isinstance(inside, dict) and inside and (rng.random() < 0.7 or len(str(inside)) > 80):
            lines.append(start + ("  # a comment" if rng.random() < 0.05 else ""))
            _block(inside, rng, indent + 2, lines)
        elif isinstance(inside, list) and rng.random() < 0.3:
            lines.append(start)
            lines += [" " * indent + "  - " + _flow(v, rng) for v in inside]
        elif isinstance(inside, (dict, list)):
            lines.append(f"{start} {_flow(inside, rng)}")
        else:
            lines.append(f"{start} {_scalar(inside, rng, False)}")


def write(definition, rng):
    """YAML text of a dict; `rng` chooses between block, flow and the ways of quoting."""
    lines = []
    _block(definition, rng, 0, lines)
    return "\n".join(lines) + "\n"
