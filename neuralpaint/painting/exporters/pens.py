"""The pens of a plotter: from a YAML file or from a palette."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from neuralpaint.images.io import parse_color
from neuralpaint.images.palette import MAX_NAME, Palette, hex_of
from neuralpaint.utils import schema
from neuralpaint.utils.loading import BadFile
from neuralpaint.utils.yaml_files import read_yaml

MAX_PENS = 64
WIDTHS = (0.05, 20.0)
"""The finest and the broadest pen, in millimetres."""
_EXAMPLE = 'write a list such as: - {name: black, color: "#101010", width_mm: 0.4}'


@dataclass(frozen=True)
class Pen:
    """A pen.

    Attributes:
        name: a line of 1 to 100 characters.
        color: sRGB in [0, 1], or anything else that `images.parse_color` accepts.
        width_mm: of its line, 0.05 to 20.

    Raises:
        ValueError: a value is none of these; the message names it.
    """

    name: str
    color: tuple[float, float, float]
    width_mm: float = 0.5

    def __post_init__(self) -> None:
        schema.text(MAX_NAME)(self.name, "name")
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError(f"name must be a line of text, got {schema.shown(self.name)}")
        object.__setattr__(self, "color", parse_color(self.color))
        schema.number(*WIDTHS)(self.width_mm, "width_mm")

    @property
    def hex(self) -> str:
        """The colour as "#rrggbb"."""
        return hex_of(self.color)


def check_pens(pens: Any) -> tuple[Pen, ...]:
    """Pens of different names. Raises ValueError if they are none, too many, or two have one name."""
    pens = tuple(pens)
    if not 1 <= len(pens) <= MAX_PENS:
        raise ValueError(f"there must be 1 to {MAX_PENS} pens, got {len(pens):,}")
    names = [pen.name for pen in pens]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two pens are called {twice!r}: give each its own name")
    return pens


def pens_of(palette: Palette, width_mm: float = 0.5) -> tuple[Pen, ...]:
    """A pen for each colour of a palette."""
    return check_pens(Pen(name, color, width_mm) for name, color in zip(palette.names, palette.colors, strict=True))


def read_pens(path: str | os.PathLike) -> tuple[Pen, ...]:
    """Reads pens from a YAML file: a list with `name`, `color` and `width_mm` (0.5 if it is left out) of each.

    Raises:
        ValueError: no such file, larger than 64 KiB, not YAML, with aliases, or not such a list. The message names the
            file and the pen.
    """
    entries = read_yaml(path, "is no list of pens", _EXAMPLE)
    try:
        if not isinstance(entries, list):
            raise ValueError(f"it must be a list of pens, got {schema.shown(entries)}: {_EXAMPLE}")
        if not 1 <= len(entries) <= MAX_PENS:
            raise ValueError(f"there must be 1 to {MAX_PENS} pens, got {len(entries):,}")
        return check_pens(_pen(entry, number) for number, entry in enumerate(entries, 1))
    except ValueError as error:
        raise BadFile(f"{path}: {error}") from None


def _pen(entry: Any, number: int) -> Pen:
    try:
        if not isinstance(entry, dict):
            raise ValueError(f"it must have name, color and width_mm, got {schema.shown(entry)}")
        if unknown := [key for key in entry if key not in ("name", "color", "width_mm")]:
            raise ValueError(f"unknown key {schema.shown(unknown[0])}: use name, color and width_mm")
        for key in ("name", "color"):
            if not isinstance(entry.get(key), str):
                hint = ', in quotes, such as "#101010"' if key == "color" else ""
                raise ValueError(f"{key} must be a text{hint}, got {schema.shown(entry.get(key))}")
        return Pen(entry["name"], parse_color(entry["color"]), entry.get("width_mm", 0.5))
    except ValueError as error:
        raise ValueError(f"pen {number}: {error}") from None
