"""Watercolor strokes: outlines that a disc of changing radius sweeps, with a gradient along them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neuralpaint.brushes.svg.curve import Curves, normal
from neuralpaint.brushes.svg.envelope import FINE, Ends, Runs, enough_pieces, radii
from neuralpaint.brushes.svg.gradient import fit_gradients
from neuralpaint.brushes.svg.shapes import Shapes, batches
from neuralpaint.brushes.svg.sweep import swept_polygons
from neuralpaint.brushes.svg.text import color, number, opacity

_CORNERS = 20  # of a disc, where it is simple
_AROUND = 1.006  # that much larger, they have about the area of the disc
_ARC = 1.2  # radians: the longest half of an arc
_FLAT = 1.5 / 255  # colours less different need no gradient


class DiscSweeps(Shapes):
    """Strokes x0 y0 x1 y1 x2 y2 ρ0 ρ2 r0 g0 b0 r2 g2 b2 a: a disc whose radius runs from ρ0/4 to ρ2/4.

    The outline is the envelope of the discs, in cubic pieces, and arcs of the discs at the ends. In a narrow bend it
    crosses itself, which the nonzero rule fills: it winds around a point once for each run of discs that hold it. The
    colour, which a painting mixes by the nearest place on the curve, is a linear gradient with the direction and the
    stops that come nearest to that, since the curves turn by at most a quarter turn.
    """

    def definitions(self, strokes: np.ndarray) -> Iterator[str]:
        if self.writer.simple:
            return
        for first, batch in batches(strokes):
            graded = np.flatnonzero(_graded(batch))
            if not len(graded):
                continue
            low, high, stops = fit_gradients(batch[graded], self.writer.scale)
            for k, index in enumerate(graded.tolist()):
                axis = zip(("x1", "y1", "x2", "y2"), (*low[k].tolist(), *high[k].tolist()), strict=True)
                placed = " ".join(f'{name}="{number(value, self.writer.places)}"' for name, value in axis)
                yield (
                    f'<linearGradient id="c{first + index}" gradientUnits="userSpaceOnUse" {placed}>'
                    f"{_stops(batch[index], stops[k])}</linearGradient>"
                )

    def elements(self, strokes: np.ndarray, first: int = 0) -> Iterator[str]:
        for start, batch in batches(strokes, first):
            graded = _graded(batch) & (not self.writer.simple)
            paths = self._polygons(batch) if self.writer.simple else self._envelopes(batch)
            for index, (stroke, path) in enumerate(zip(batch, paths, strict=True)):
                mean = color((stroke[8:11] + stroke[11:14]) / 2)
                paint = f"url(#c{start + index})" if graded[index] else mean
                yield f'<path fill="{paint}"{opacity(stroke[14])} d="{path}"/>'

    def _polygons(self, strokes: np.ndarray) -> Iterator[str]:
        curves = Curves(strokes, self.writer.scale)
        t = curves.knots(4)
        turn = np.linspace(0, 2 * math.pi, _CORNERS, endpoint=False)
        tip = np.stack([np.cos(turn), np.sin(turn)], -1) * _AROUND
        tips = curves.point(t)[:, :, None] + radii(strokes, t, self.writer.scale)[:, :, None, None] * tip
        for outline in swept_polygons(tips, curves.direction(), self.writer.scale / 2000):
            yield self.writer.polygon(outline)

    def _envelopes(self, strokes: np.ndarray) -> Iterator[str]:
        """Path data of each stroke: of its runs, and of the discs at its ends that hold all near them."""
        ends, runs = Ends(strokes, self.writer.scale), Runs(strokes, self.writer.scale)
        way, sides, slopes = runs.sides()
        pieces = enough_pieces(way, sides, slopes, self.writer.tolerance)
        written = [self._whole(ends, n) for n in range(len(strokes))]
        for run, n in enumerate(runs.stroke.tolist()):
            at = slice(None, None, FINE // int(pieces[run]))
            left, right = sides[0, run, at], sides[1, run, at][::-1]
            forth = self._cubics(way[run, at], left, slopes[0, run, at])
            back = self._cubics(way[run, at][::-1], right, slopes[1, run, at][::-1])
            tip = self._arc(ends, n, 1, right[0]) if runs.last[run] == 1 else ""
            tail = self._arc(ends, n, 0, left[0]) if runs.first[run] == 0 else ""
            written[n] += f"M{self.writer.coordinates(left[0].tolist())}{forth}{tip}{back}{tail}z"
        for n, path in enumerate(written):
            yield path or f"M{self.writer.coordinates(ends.center[n, 0].tolist())}z"

    def _cubics(self, way: np.ndarray, points: np.ndarray, slopes: np.ndarray) -> str:
        """Cubic Béziers through points `[K, 2]` with these derivatives by the way `[K]`, from the first on."""
        third = np.diff(way)[:, None] / 3
        bends = np.concatenate([points[:-1] + third * slopes[:-1], points[1:] - third * slopes[1:], points[1:]], axis=1)
        return self.writer.cubics(points[0], bends)

    def _arc(self, ends: Ends, n: int, end: int, to: np.ndarray | None = None) -> str:
        """The end's disc as far as it is the outline: from where the path is, to the point `to`.

        Cut into arcs well below a half turn, of which rounded end points would say little about the centre.
        """
        radius, half = float(ends.radius[n, end]), float(ends.half[n, end])
        outward = ends.outward[n, end]
        count = max(1, math.ceil(half / _ARC))
        turns = half - 2 * half / count * np.arange(1, count + 1)
        points = ends.center[n, end] + radius * (
            np.cos(turns)[:, None] * outward + np.sin(turns)[:, None] * normal(outward)
        )
        if to is not None:
            points[-1] = to
        if half < 1e-3 or radius <= 0:
            return f"L{self.writer.coordinates(points[-1].tolist())}"
        return "".join(self.writer.arc(radius, point) for point in points)

    def _whole(self, ends: Ends, n: int) -> str:
        path = ""
        for end in (0, 1):
            radius = float(ends.radius[n, end])
            if ends.half[n, end] > math.pi - 1e-9 and radius > 0:
                start = ends.center[n, end] - radius * ends.outward[n, end]
                path += f"M{self.writer.coordinates(start.tolist())}{self._arc(ends, n, end)}z"
        return path


def _graded(strokes: np.ndarray) -> np.ndarray:
    return np.abs(strokes[:, 8:11] - strokes[:, 11:14]).max(axis=1, initial=0) > _FLAT


def _stops(stroke: np.ndarray, t: np.ndarray) -> str:
    """Evenly spaced stops of the colours at t; none where those beside it say the same."""
    last = len(t) - 1
    kept = [k for k in range(last + 1) if k in (0, last) or abs(2 * t[k] - t[k - 1] - t[k + 1]) > 2e-3]
    mixed = [(k, (1 - t[k]) * stroke[8:11] + t[k] * stroke[11:14]) for k in kept]
    return "".join(f'<stop offset="{number(k / last, 3)}" stop-color="{color(rgb)}"/>' for k, rgb in mixed)
