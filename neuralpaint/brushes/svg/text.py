"""Numbers, colours and paths as short text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_GRID = 50_000  # positions that can be told apart along the shorter side, at least


@dataclass(frozen=True)
class Writer:
    """Writes coordinates of an SVG whose unit is a pixel.

    Attributes:
        scale: pixels along the canvas's shorter side.
        simple: one flat colour and one plain outline a stroke.
    """

    scale: float
    simple: bool = False

    @property
    def places(self) -> int:
        """Decimals of a coordinate."""
        return max(0, math.ceil(math.log10(_GRID / self.scale)))

    @property
    def tolerance(self) -> float:
        """By how many pixels an outline may be off."""
        return self.scale / 20_000

    def coordinates(self, values: Iterable[float]) -> str:
        """Coordinates, separated as tightly as SVG allows."""
        return tight(number(value, self.places) for value in values)

    def polygon(self, points: np.ndarray) -> str:
        """The path data of a closed polygon `[K, 2]`, in relative coordinates whose rounding errors do not add up."""
        return polygon(points, self.places)

    def cubics(self, start: np.ndarray, bends: np.ndarray) -> str:
        """Cubic Béziers `[K, 6]` from a point on, in relative coordinates."""
        grid = np.rint(np.vstack([np.concatenate([start, start, start]), bends]) * 10**self.places)
        moved = grid[1:] - np.tile(grid[:-1, 4:6], 3)
        unit = 10.0**-self.places
        return f"c{tight(number(value, self.places) for value in (moved * unit).ravel().tolist())}"

    def arc(self, radius: float, to: np.ndarray) -> str:
        """An arc of less than half a turn to a point, counter-clockwise as seen."""
        size = number(radius, self.places)
        return f"A{size} {size} 0 0 0 {self.coordinates(to.tolist())}"


def number(value: float, places: int) -> str:
    """A number with at most that many decimals and no needless zeros: .5, -3, 0."""
    text = f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text.startswith("0."):
        return text[1:]
    if text.startswith("-0"):
        return "-" + text[2:] if text.startswith("-0.") else "0"
    return text


def tight(numbers: Iterable[str]) -> str:
    """Numbers side by side; a minus sign separates by itself."""
    return " ".join(numbers).replace(" -", "-")


def polygon(points: np.ndarray, places: int) -> str:
    """As `Writer.polygon`."""
    grid = np.rint(np.asarray(points, dtype=np.float64) * 10**places)
    steps = np.diff(grid, axis=0)
    steps = steps[(steps != 0).any(axis=1)]
    unit = 10.0**-places
    first = tight(number(value, places) for value in (grid[0] * unit).tolist())
    rest = tight(number(value, places) for value in (steps * unit).ravel().tolist())
    return f"M{first}l{rest}z" if rest else f"M{first}z"


def color(rgb: Sequence[float] | np.ndarray) -> str:
    """#rrggbb of numbers in [0, 1], or #rgb."""
    text = "".join(f"{min(255, max(0, math.floor(value * 255 + 0.5))):02x}" for value in rgb)
    return f"#{text[::2]}" if text[::2] == text[1::2] else f"#{text}"


def opacity(value: float, name: str = "fill-opacity") -> str:
    """The attribute with a space before it; nothing if it is 1."""
    text = number(min(1.0, max(0.0, value)), 3)
    return "" if text == "1" else f' {name}="{text}"'
