"""The value of one aggregation over a list of arguments, straight from its definition.

`compute` returns an `Answer`: the exact value with the error a correct program may make, or the
code of the error it must give.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
ALIASES = {"stddev": "std", "std_sample": "std", "stddev_sample": "std", "var_sample": "var"}
FUNCTIONS = ("sum", "count", "min", "max", "mean", "std", "var", "approx_count_distinct",
             "any", "all")
_EXACT_DISTINCT = 1000
_HUGE = 1e150  # above it a square leaves the range of a double


@dataclass
class Answer:
    """What a query must say about one value."""

    value: object = None
    tolerance: float = 0.0
    error: str = ""
    #: True where the definition leaves it open whether `value` or the error `overflow` comes.
    may_overflow: bool = False


def _exact_sum(values):
    if all(isinstance(v, int) for v in values):
        return sum(values)
    if len(values) <= 4096:
        return sum((Fraction(v) for v in values), Fraction(0))
    return Fraction(math.fsum(values))


def _to_float(fraction):
    try:
        return float(fraction)
    except OverflowError:
        return math.inf if fraction > 0 else -math.inf


def _sum(values, is_int):
    total = _exact_sum(values)
    if is_int:
        if not INT_MIN <= total <= INT_MAX:
            return Answer(error="overflow")
        return Answer(int(total))
    value = _to_float(total)
    if math.isinf(value):
        return Answer(error="overflow")
    magnitude = _to_float(sum(Fraction(abs(v)) for v in values)) if values else 0.0
    return Answer(value, 1e-9 * abs(value) + min(1e-12 * magnitude, 1e300),
                  may_overflow=math.isinf(magnitude))


def _mean(values):
    if not values:
        return Answer(None)
    total = Fraction(_exact_sum(values))
    value = _to_float(total / len(values))
    magnitude = max(abs(v) for v in values)
    return Answer(value, 1e-9 * abs(value) + 1e-12 * magnitude,
                  may_overflow=math.isinf(_to_float(total)) or magnitude > 1e300)


def variance(values):
    """The exact sample variance as a Fraction; requires two values or more."""
    n = len(values)
    if all(isinstance(v, int) for v in values):
        return Fraction(n * sum(v * v for v in values) - sum(values) ** 2, n * (n - 1))
    if n <= 1024:
        exact = [Fraction(v) for v in values]
        mean = sum(exact) / n
        return sum((v - mean) ** 2 for v in exact) / (n - 1)
    mean = math.fsum(values) / n
    return Fraction((math.fsum((v - mean) ** 2 for v in values)
                     - math.fsum(v - mean for v in values) ** 2 / n) / (n - 1))


def _spread(values, root):
    if len(values) < 2:
        return Answer(None)
    exact = variance(values)
    largest = max(abs(float(v)) for v in values)
    value = _to_float(exact)
    if math.isinf(value) or largest > _HUGE:
        return Answer(math.sqrt(value) if root else value, 1e-6 * value, may_overflow=True)
    slack = 1e-9 * value + 1e-12 * math.sqrt(value) * largest + 1e-20 * largest * largest
    if not root:
        return Answer(value, slack)
    middle = math.sqrt(value)
    return Answer(middle, max(math.sqrt(value + slack) - middle,
                              middle - math.sqrt(max(value - slack, 0.0))))


def compute(function, arguments, rows, is_int):
    """`function` over `arguments` (one a row, None for null) of `rows` rows."""
    function = ALIASES.get(function, function)
    if function == "count":
        return Answer(rows)
    values = [v for v in arguments if v is not None]
    if function == "sum":
        return _sum(values, is_int)
    if function in ("min", "max"):
        if not values:
            return Answer(None)
        return Answer(min(values) if function == "min" else max(values))
    if function == "mean":
        return _mean(values)
    if function in ("std", "var"):
        return _spread(values, function == "std")
    if function == "approx_count_distinct":
        distinct = len(set(values))
        return Answer(distinct, 0.0 if distinct < _EXACT_DISTINCT else 0.08 * distinct)
    if function in ("any", "all"):
        return Answer(any(values) if function == "any" else all(values))
    raise ValueError(f"no such aggregation: {function}")
