"""Checks types and ranges of what JSON files hold. A check is a function of a value and its name in messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], None]
_LONGEST = 60  # characters of a value in a message


def whole(low: int, high: int) -> Check:
    """An integer from `low` to `high`."""

    def check(value: Any, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(name, f"a whole number from {low:,} to {high:,}", value)

    return check


def number(low: float, high: float) -> Check:
    """A finite number from `low` to `high`."""

    def check(value: Any, name: str) -> None:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (good and low <= value <= high) or value in (math.inf, -math.inf):
            raise _wrong(name, f"a number from {low:g} to {high:g}", value)

    return check


def text(most: int = 1000) -> Check:
    """A string of at most `most` characters."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, str) or len(value) > most:
            raise _wrong(name, f"a text of at most {most:,} characters", value)

    return check


def flag(value: Any, name: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(name, "true or false", value)


def items(value: Any, name: str) -> None:
    """An object with any contents."""
    if not isinstance(value, dict):
        raise _wrong(name, "an object", value)


def listed(item: Check, least: int, most: int) -> Check:
    """A list of `least` to `most` values."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            raise _wrong(name, f"a list of {count}", value)
        for index, part in enumerate(value):
            item(part, f"{name}[{index}]")

    return check


def maybe(check: Check) -> Check:
    """What `check` accepts, or null."""

    def other(value: Any, name: str) -> None:
        if value is not None:
            check(value, name)

    return other


def either(first: Check, second: Check) -> Check:
    """What one of two checks accepts; `second` makes the message."""

    def check(value: Any, name: str) -> None:
        try:
            first(value, name)
        except ValueError:
            second(value, name)

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields; others are ignored."""

    def check(value: Any, name: str) -> None:
        items(value, name or "it")
        for key, part in required.items():
            if key not in value:
                raise ValueError(f"it has no {name + '.' if name else ''}{key}")
            part(value[key], f"{name}.{key}" if name else key)
        for key, part in (optional or {}).items():
            if key in value:
                part(value[key], f"{name}.{key}" if name else key)

    return check


def shown(value: Any) -> str:
    """A value of a file as messages show it: one short line."""
    try:
        line = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # an integer of thousands of digits
        line = type(value).__name__
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _wrong(name: str, wanted: str, value: Any) -> ValueError:
    return ValueError(f"{name} must be {wanted}, got {shown(value)}")
