"""Textured strokes as stamps: a dab of paint traced once, moved, turned, stretched and coloured for each stroke.

The texture is traced into vector shapes, a few levels of coverage and of light and dark ridges, instead of being
embedded as an image under a mask: plain filled paths, <use> and linear gradients are drawn alike by browsers, Inkscape,
Illustrator and printers' software, stay sharp at any size and can be edited, while masks are slow by the hundred, and
come out of some programs as pixels or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from neuralpaint.brushes.svg.contours import area, contours
from neuralpaint.brushes.svg.polyline import simplified_ring
from neuralpaint.brushes.svg.shapes import Shapes
from neuralpaint.brushes.svg.text import Writer, color, number, opacity, polygon

SIDE = 1000
"""A stamp is drawn in a square of this many units."""
RIDGES = (0.1, 0.26)
"""Heights |2R − 1| at which ridges are traced, to either side of neutral."""
_SMALLEST = 0.5  # texels²: smaller contours are left out
_OFF = 0.2  # texels: by how much contours may be off
_FLAT = 1.5 / 255  # colours less different need no gradient
_FLAT_RIDGE = 0.1  # the same of ridges, which are translucent


@dataclass(frozen=True)
class Stamp:
    """One dab of paint.

    Attributes:
        coverage: `[H, W]` in [0, 1].
        relief: `[H, W]` in [-1, 1], 2R − 1 of the ridge R.
        levels: coverage at which it is traced, rising.
    """

    coverage: np.ndarray
    relief: np.ndarray
    levels: tuple[float, ...] = (0.5,)

    def layers(self) -> dict[str, str]:
        """Groups of paths by the letter that their ids begin with: p, the paint; l, light; d, dark."""
        paint = self.coverage > self.levels[0]
        heights = {"p": (self.coverage, self.levels)}
        heights |= {"l": (self.relief, RIDGES), "d": (-self.relief, RIDGES)}
        found = {}
        for letter, (field, levels) in heights.items():
            means = _means(field[paint], levels)
            shares = _nested(means)
            drawn = []
            for level, share in zip(levels, shares, strict=True):
                height = field - level
                if letter != "p":
                    height = np.minimum(height, self.coverage - max(self.levels[0], 0.5))
                data = _traced(height)
                if data and share > 0.004:
                    drawn.append(f'<path{opacity(share)} d="{data}"/>')
            found[letter] = "".join(drawn)
        return found

    def outline(self) -> np.ndarray:
        """The largest contour, roughly: a polygon `[K, 2]` in units of the stamp's sides."""
        field = self.coverage - 0.5 * self.coverage.max(initial=0)
        rings = contours(field)
        if not rings:
            return np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        height, width = field.shape
        largest = max(rings, key=lambda ring: abs(area(ring))) / [width, height]
        return simplified_ring(largest, 0.02)


class Stamps(Shapes):
    """Strokes as stamps. A subclass says which stamp a stroke has and how it lies; see `keys`, `stamp` and `axes`."""

    colors: tuple[slice, slice]
    """The first and the last colour, which may be the same."""

    def keys(self, strokes: np.ndarray) -> list[tuple[int, ...]]:
        """Which stamp each stroke has."""
        raise NotImplementedError

    def stamp(self, key: tuple[int, ...]) -> Stamp:
        """The stamp of a key."""
        raise NotImplementedError

    def axes(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The corner `[N, 2]` and both sides `[N, 2]` of the parallelogram that stamps are laid over, in units; and
        whether the colour runs along the second side `[N]`, not the first."""
        raise NotImplementedError

    def __init__(self, writer: Writer) -> None:
        super().__init__(writer)
        self._outlines: dict[tuple[int, ...], np.ndarray] = {}

    def definitions(self, strokes: np.ndarray) -> Iterator[str]:
        if self.writer.simple:
            return
        for key in sorted(set(self.keys(strokes))):
            for letter, paths in self.stamp(key).layers().items():
                yield f'<g id="{_id(letter, key)}">{paths}</g>'
        _, _, _, across = self.axes(strokes)
        for index, stroke in enumerate(strokes):
            colors = stroke[self.colors[0]], stroke[self.colors[1]]
            for letter, shade in _SHADES.items():
                if _graded(*colors, letter):
                    stops = (f'<stop offset="{k}" stop-color="{color(shade(c))}"/>' for k, c in enumerate(colors))
                    end = f'x2="0" y2="{SIDE}"' if across[index] else f'x2="{SIDE}"'
                    yield (
                        f'<linearGradient id="{letter}{index}" gradientUnits="userSpaceOnUse" {end}>'
                        f"{''.join(stops)}</linearGradient>"
                    )

    def elements(self, strokes: np.ndarray, first: int = 0) -> Iterator[str]:
        keys = self.keys(strokes)
        corner, along, across, _ = self.axes(strokes)
        for index, (stroke, key) in enumerate(zip(strokes, keys, strict=True)):
            sides = np.stack([along[index], across[index]]) * self.writer.scale
            place = corner[index] * self.writer.scale
            if self.writer.simple:
                yield self._flat(stroke, key, place, sides)
            else:
                yield self._stamped(stroke, key, first + index, place, sides)

    def _stamped(
        self, stroke: np.ndarray, key: tuple[int, ...], index: int, place: np.ndarray, sides: np.ndarray
    ) -> str:
        numbers = [number(value, self.writer.places + 3) for value in (sides / SIDE).ravel().tolist()]
        numbers += [number(value, self.writer.places) for value in place.tolist()]
        start, end = stroke[self.colors[0]], stroke[self.colors[1]]
        used = "".join(
            f'<use xlink:href="#{_id(letter, key)}" '
            f'fill="{f"url(#{letter}{index})" if _graded(start, end, letter) else color(shade((start + end) / 2))}"/>'
            for letter, shade in _SHADES.items()
        )
        return f'<g transform="matrix({" ".join(numbers)})"{opacity(stroke[-1], "opacity")}>{used}</g>'

    def _flat(self, stroke: np.ndarray, key: tuple[int, ...], place: np.ndarray, sides: np.ndarray) -> str:
        if key not in self._outlines:
            self._outlines[key] = self.stamp(key).outline()
        mean = (stroke[self.colors[0]] + stroke[self.colors[1]]) / 2
        data = self.writer.polygon(place + self._outlines[key] @ sides)
        return f'<path fill="{color(mean)}"{opacity(stroke[-1])} d="{data}"/>'


def _light(rgb: np.ndarray) -> np.ndarray:
    return rgb + rgb * (1 - rgb)


def _dark(rgb: np.ndarray) -> np.ndarray:
    return rgb - rgb * (1 - rgb)


# Soft light, c + (2R − 1)·c·(1 − c), is a mixture of the colour with what it becomes at a height of 1 or of 0.
_SHADES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"p": lambda rgb: rgb, "l": _light, "d": _dark}


def _id(letter: str, key: tuple[int, ...]) -> str:
    return "-".join([letter, *map(str, key)])


def _graded(first: np.ndarray, last: np.ndarray, letter: str) -> bool:
    return bool(np.abs(first - last).max() > (_FLAT if letter == "p" else _FLAT_RIDGE))


def _means(values: np.ndarray, levels: tuple[float, ...]) -> list[float]:
    """The mean of the values between a level and the next one."""
    means = []
    for level, following in zip(levels, (*levels[1:], np.inf), strict=True):
        chosen = values[(values >= level) & (values < following)]
        means.append(float(chosen.mean()) if len(chosen) else level)
    return means


def _nested(means: list[float]) -> list[float]:
    """Opacities of shapes laid over one another, each within the one before, that add up to the rising means."""
    shares, before = [], 0.0
    for mean in means:
        share = (mean - before) / (1 - before) if before < 1 else 0.0
        shares.append(min(1.0, max(0.0, share)))
        before = max(before, mean)
    return shares


def _traced(field: np.ndarray) -> str:
    """Path data of where a field is positive."""
    height, width = field.shape
    data = []
    for ring in sorted(contours(field), key=lambda ring: tuple(ring.min(axis=0).tolist())):
        if abs(area(ring)) < _SMALLEST:
            continue
        points = simplified_ring(ring, _OFF)
        if len(points) > 2:
            data.append(polygon(points * [SIDE / width, SIDE / height], 0))
    return "".join(data)
