"""Validates numbers from users; messages name the argument and its valid range."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Sequence
from typing import Any

MAX_STROKES = 1_000_000  # per painting
MAX_PATHS = 100_000
MAX_SIZE = 65536  # pixels along the shorter side of an image
MAX_SEED = 2**63 - 1


class WrongType(TypeError, ValueError):
    """An argument has the wrong type. Also a ValueError, so that one `except` catches all invalid arguments."""


def check_whole(name: str, value: Any, low: int, high: int | None = None, unit: str = "") -> int:
    """Returns an int from `low` to `high`. NumPy integers are accepted.

    Raises:
        WrongType: not an integer, such as 2.0 or True.
        ValueError: out of range.
    """
    kind = f"a whole number of {unit}" if unit else "a whole number"
    try:
        number = operator.index(value)
    except TypeError:
        raise WrongType(f"{name} must be {kind}, got {value!r}") from None
    if isinstance(value, bool):
        raise WrongType(f"{name} must be {kind}, got {value!r}")
    if high is None and number < low:
        raise ValueError(f"{name} must be at least {low:,}, got {shown(number)}")
    if high is not None and not low <= number <= high:
        raise ValueError(f"{name} must be from {low:,} to {high:,}{unit and ' ' + unit}, got {shown(number)}")
    return number


def check_positive(name: str, value: Any) -> float:
    """Returns a finite float above 0.

    Raises:
        WrongType: not a number.
        ValueError: not above 0, infinite or NaN.
    """
    number = _number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {shown(value)}")
    return number


def check_weight(name: str, value: Any) -> float:
    """Returns a finite float of at least 0. Raises as `check_positive`."""
    number = _number(name, value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number, at least 0, got {shown(value)}")
    return number


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType(f"{name} must be a number, got {value!r}")
    try:
        return float(value)
    except OverflowError:  # an int beyond the largest float
        return math.copysign(math.inf, value > 0 or -1)


def shown(value: Any) -> str:
    """A number for a message: whole numbers of many digits, which Python may refuse to write, by their size."""
    if isinstance(value, int) and value.bit_length() > 100:
        return f"{'-' if value < 0 else ''}2**{value.bit_length() - 1} or more"
    return str(value)


def unknown_name(what: str, name: str, known: Sequence[str], listed: Sequence[str] | None = None) -> str:
    """Error message for a name that is not among `known`, with the closest matches and the valid names."""
    near = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.5)
    hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
    return f"unknown {what} {name!r}{hint}: choose from {', '.join(listed or known)}"
