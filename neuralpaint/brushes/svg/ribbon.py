"""Curved strokes of a bristle brush as strips side by side, each as long as its bristles reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neuralpaint.brushes.svg.curve import Curves, normal
from neuralpaint.brushes.svg.polyline import simplified
from neuralpaint.brushes.svg.shapes import Shapes, batches
from neuralpaint.brushes.svg.text import Writer, color, opacity

_WIDTH = 1.6  # pixels of a strip
_STRIPS = (1, 40)
_STRAIGHT = 2e-3  # radians: less bent than this is straight
_STEPS = 10  # along a bent strip
_OFF = 4e-4  # units by which an outline may be off
_OVERLAP = 0.4  # pixels by which a strip reaches under the next, so that no gap shows between them
_PAINT = 0.5  # coverage that counts as paint
_TABLE = np.linspace(0.0, 1.0, 33)


@dataclass(frozen=True)
class _Strip:
    """Part of a texture: from `start` to `end` along it, with the means of its coverage and of its relief 2R − 1."""

    start: float
    end: float
    coverage: float
    relief: float


class Ribbons(Shapes):
    """Strokes x0 y0 x1 y1 x2 y2 ρ r0 g0 b0 r2 g2 b2 a: a texture laid along the curve, ρ/2 wide.

    A strip has the colour of its middle, and its paint ends where the texture's does. Gaps within it are left out.
    """

    def __init__(self, writer: Writer, texels: tuple[np.ndarray, np.ndarray], split: float) -> None:
        super().__init__(writer)
        self.alpha = texels[0].astype(np.float64) / 255
        self.relief = texels[1].astype(np.float64) * (2 / 255) - 1
        self.split = split
        self._strips: dict[tuple[int, int], list[_Strip | None]] = {}

    def elements(self, strokes: np.ndarray, first: int = 0) -> Iterator[str]:
        for _, batch in batches(strokes, first):
            curves = Curves(batch, self.writer.scale)
            place = _Place(curves, batch[:, 6] * (self.writer.scale / 2), _OFF * self.writer.scale)
            steps = np.where(curves.turn() < _STRAIGHT, 2, _STEPS)
            small = (place.length * np.abs(place.width) / self.writer.scale**2 <= self.split).astype(int)
            for n, stroke in enumerate(batch):
                yield self._element(stroke, place, n, int(steps[n]), int(small[n]))

    def _element(self, stroke: np.ndarray, place: _Place, n: int, steps: int, plane: int) -> str:
        first, last = stroke[7:10], stroke[10:13]
        along = np.linspace(0.0, 1.0, steps)
        if self.writer.simple:
            data = self.writer.polygon(place.strip(n, along, 0.0, 1.0))
            return f'<path fill="{color((first + last) / 2)}"{opacity(stroke[-1])} d="{data}"/>'
        width = max(float(place.width[n]), 1e-6)
        count = int(np.clip(round(width / _WIDTH), *_STRIPS))
        paths = []
        for k, strip in enumerate(self._strips_of(plane, count)):
            if strip is None:
                continue
            base = first + (k + 0.5) / count * (last - first)
            shade = base + strip.relief * base * (1 - base)
            under = _OVERLAP / width if k + 1 < count else 0.0
            way = strip.start + (strip.end - strip.start) * along
            data = self.writer.polygon(place.strip(n, way, k / count, (k + 1) / count + under))
            paths.append(f'<path fill="{color(shade)}"{opacity(strip.coverage)} d="{data}"/>')
        return f"<g{opacity(stroke[-1], 'opacity')}>{''.join(paths)}</g>"

    def _strips_of(self, plane: int, count: int) -> list[_Strip | None]:
        """A texture in `count` strips, from one side to the other; None where there is no paint."""
        if (plane, count) not in self._strips:
            rows = np.linspace(0, self.alpha.shape[1], count + 1).round().astype(int)
            self._strips[plane, count] = [
                _strip(self.alpha[plane, low : max(high, low + 1)], self.relief[plane, low : max(high, low + 1)])
                for low, high in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True)
            ]
        return self._strips[plane, count]


class _Place:
    """Where points of strokes lie that are known by their share of the way along and across them; in pixels."""

    def __init__(self, curves: Curves, width: np.ndarray, tolerance: float) -> None:
        self.width, self.tolerance = width, tolerance
        points, tangent = curves.point(_TABLE), curves.tangent(_TABLE)
        self._points, self._normals = points, normal(tangent)
        steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
        way = np.concatenate([np.zeros((len(points), 1)), steps.cumsum(axis=1)], axis=1)
        self.length = way[:, -1]
        self._way = way / np.maximum(way[:, -1:], 1e-9)

    def strip(self, n: int, along: np.ndarray, low: float, high: float) -> np.ndarray:
        """The outline `[≤ 2·K, 2]` of what lies at the ways `along` `[K]`, from `low` to `high` across."""
        at = np.interp(along, self._way[n], np.arange(len(_TABLE)))
        cell = np.minimum(at.astype(int), len(_TABLE) - 2)
        share = (at - cell)[:, None]
        points, normals = ((1 - share) * a[n, cell] + share * a[n, cell + 1] for a in (self._points, self._normals))
        sides = [simplified(points + (side - 0.5) * self.width[n] * normals, self.tolerance) for side in (low, high)]
        return np.concatenate([sides[0], sides[1][::-1]])


def _strip(alpha: np.ndarray, relief: np.ndarray) -> _Strip | None:
    cover = alpha.mean(axis=0)
    painted = np.flatnonzero(cover > _PAINT * cover.max(initial=0.0))
    if not len(painted) or cover.max() < 0.1:
        return None
    inside = slice(painted[0], painted[-1] + 1)
    weight = alpha[:, inside]
    texels = alpha.shape[1]
    shade = float((weight * relief[:, inside]).sum() / weight.sum())
    return _Strip(painted[0] / texels, (painted[-1] + 1) / texels, float(weight.mean()), shade)
