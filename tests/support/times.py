"""Durations, instants and buckets in integer microseconds, for the judge."""

import datetime
import re

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
ALL = 36_500 * DAY
_UNITS = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": 1000}
_EPOCH = datetime.datetime(1970, 1, 1)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(?:([Zz])|([+-])(\d\d):(\d\d))?)?"
)


def parse_duration(text):
    """`1h30m`, `90 m`, `all` -> microseconds. Raises ValueError on anything else."""
    text = str(text).strip()
    if text in ("all", "infinity"):
        return ALL
    total, seen, rest = 0, set(), text
    while rest:
        match = re.match(r"(\d+)\s*(ms|[wdhms])\s*", rest)
        if not match or match.group(2) in seen:
            raise ValueError(f"not a duration: {rest!r} in {text!r}")
        seen.add(match.group(2))
        total += int(match.group(1)) * _UNITS[match.group(2)]
        rest = rest[match.end():]
    return total


def parse_instant(value):
    """RFC 3339 text, or epoch milliseconds as an int -> microseconds since the epoch."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    match = _INSTANT.fullmatch(value)
    if not match:
        raise ValueError(f"not a time: {value!r}")
    year, month, day, hour, minute, second, fraction, _, sign, oh, om = match.groups()
    at = datetime.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0),
                           int(second or 0))
    micros = (at - _EPOCH) // datetime.timedelta(microseconds=1)
    if fraction:
        micros += int((fraction + "000000")[:6])
    if sign:
        offset = (int(oh) * 60 + int(om)) * MINUTE
        micros += -offset if sign == "+" else offset
    return micros


def format_instant(micros):
    """Microseconds since the epoch -> RFC 3339 in UTC."""
    at = _EPOCH + datetime.timedelta(microseconds=micros)
    text = at.strftime("%Y-%m-%dT%H:%M:%S")
    text = "0" * (20 - 1 - len(text)) + text  # years below 1000 lose their zeros in strftime
    if at.microsecond:
        text += f".{at.microsecond:06d}".rstrip("0")
    return text + "Z"


def floor_to_bucket(time, duration, origin):
    """Start of the bucket that contains `time`, also before the origin."""
    return (time - origin) // duration * duration + origin
