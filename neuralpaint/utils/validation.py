"""Checks of numbers that users give: the message names the argument and says what it must be."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Sequence
from typing import Any

MAX_STROKES = 1_000_000  # of a painting
MAX_SIZE = 65536  # pixels along the shorter side of a picture
MAX_SEED = 2**63 - 1


class WrongType(TypeError, ValueError):
    """An argument of the wrong type. Also a ValueError, so that one `except` catches every bad argument."""


def check_whole(name: str, value: Any, low: int, high: int | None = None, unit: str = "") -> int:
    """An int of `low` to `high`; NumPy's are as good as Python's.

    Raises:
        WrongType: if it is no whole number, such as 2.0 or True.
        ValueError: if it is out of the range.
    """
    kind = f"a whole number of {unit}" if unit else "a whole number"
    try:
        number = operator.index(value)
    except TypeError:
        raise WrongType(f"{name} must be {kind}, got {value!r}") from None
    if isinstance(value, bool):
        raise WrongType(f"{name} must be {kind}, got {value!r}")
    if high is None and number < low:
        raise ValueError(f"{name} must be at least {low:,}, got {number}")
    if high is not None and not low <= number <= high:
        raise ValueError(f"{name} must be from {low:,} to {high:,}{unit and ' ' + unit}, got {number}")
    return number


def check_positive(name: str, value: Any) -> float:
    """A finite float above 0.

    Raises:
        WrongType: if it is no number.
        ValueError: if it is out of the range, infinite or NaN.
    """
    number = _number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value}")
    return number


def check_weight(name: str, value: Any) -> float:
    """A finite float of at least 0. Raises as `check_positive`."""
    number = _number(name, value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number, at least 0, got {value}")
    return number


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType(f"{name} must be a number, got {value!r}")
    return float(value)


def unknown_name(what: str, name: str, known: Sequence[str], listed: Sequence[str] | None = None) -> str:
    """One line for a name that is not among `known`: the nearest ones, then what there is."""
    near = difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.5)
    hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
    return f"unknown {what} {name!r}{hint}: choose from {', '.join(listed or known)}"
