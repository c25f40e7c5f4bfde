"""The outline of a disc of changing radius that moves along a quadratic curve."""

from __future__ import annotations

import numpy as np

from neuralpaint.brushes.svg.curve import Curves, normal

FINE = 32
"""Steps at which an outline is computed; it is cut at some of them."""
_PIECES = (1, 2, 4, 8, 16, 32)
_STEP = 1e-4  # of the numerical derivative


class Ends:
    """The discs at both ends of strokes.

    Attributes:
        center: `[N, 2, 2]`, pixels.
        radius: `[N, 2]`.
        outward: `[N, 2, 2]`, unit vectors away from the curve.
        half: `[N, 2]`, the angle to either side of it in which the disc is the outline.
    """

    def __init__(self, strokes: np.ndarray, scale: float) -> None:
        curves, t = Curves(strokes, scale), np.array([0.0, 1.0])
        sign = np.array([-1.0, 1.0])
        self.center = curves.point(t)
        self.radius = strokes[:, 6:8] * (scale / 4)
        self.outward = curves.tangent(t) * sign[:, None]
        self.half = np.arccos(_cosine(curves, strokes, t, scale) * sign)


class Runs:
    """The parts of strokes where discs move faster than their radius changes, and so touch the outline.

    The others lie within their neighbours. Those are between two parameters, because the speed on a quadratic curve has
    one minimum, so a stroke has two runs at most, which begin at 0 or end at 1. Where a run ends elsewhere, both sides
    meet like a square root of the parameter, which is taken squared there.

    Attributes:
        stroke: `[R]`, the number of the stroke.
        first, last: `[R]`, parameters of the curve.
    """

    def __init__(self, strokes: np.ndarray, scale: float) -> None:
        curves = Curves(strokes, scale)
        growth = (strokes[:, 7] - strokes[:, 6]) * (scale / 4)
        # Where |b1 + 2·t·b2|² = growth².
        a, b = 4 * (curves.b2**2).sum(1), 2 * (curves.b1 * curves.b2).sum(1)
        c = (curves.b1**2).sum(1) - growth**2
        curved = a > 1e-12 * (curves.chord**2).sum(1)
        root = b * b - a * c
        some = curved & (root > 0)
        spread, safe = np.sqrt(np.where(some, root, 0.0)), np.where(some, a, 1.0)
        low, high = (np.where(some, (-b + sign * spread) / safe, 2.0) for sign in (-1, 1))
        whole = np.where(some, (high <= 0) | (low >= 1), c > 0)
        before, after = some & ~whole & (low > 0), some & ~whole & (high < 1)
        numbers = np.arange(len(strokes))
        self.stroke = np.concatenate([numbers[whole], numbers[before], numbers[after]])
        self.first = np.concatenate([np.zeros(whole.sum() + before.sum()), high[after]])
        self.last = np.concatenate([np.ones(whole.sum()), low[before], np.ones(after.sum())])
        self._strokes, self._scale = strokes[self.stroke], scale
        self._curves = Curves(self._strokes, scale)

    def sides(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places on the way `[R, FINE + 1]`, from 0 to 1, points of the outline there on either side `[2, R, FINE + 1,
        2]`, and their derivative by the way."""
        whole = (self.first == 0) & (self.last == 1)
        way = np.where(whole[:, None], self._curves.knots(FINE // 2 + 1), np.linspace(0, 1, FINE + 1))
        middle = way.clip(_STEP, 1 - _STEP)
        return way, self._at(way), (self._at(middle + _STEP) - self._at(middle - _STEP)) / (2 * _STEP)

    def _at(self, way: np.ndarray) -> np.ndarray:
        first, last = self.first[:, None], self.last[:, None]
        eased = np.where(last < 1, 1 - (1 - way) ** 2, np.where(first > 0, way**2, way))
        t = first + (last - first) * eased
        cosine = _cosine(self._curves, self._strokes, t, self._scale)[..., None]
        tangent = self._curves.tangent(t)
        radius = radii(self._strokes, t, self._scale)[..., None]
        middle = self._curves.point(t) + radius * cosine * tangent
        aside = radius * np.sqrt(1 - cosine * cosine) * normal(tangent)
        return np.stack([middle + aside, middle - aside])


def radii(strokes: np.ndarray, t: np.ndarray, scale: float) -> np.ndarray:
    """Radii of the discs at t `[N, K]` or `[K]`: `[N, K]`, pixels."""
    return ((1 - t) * strokes[:, 6:7] + t * strokes[:, 7:8]) * (scale / 4)


def enough_pieces(way: np.ndarray, sides: np.ndarray, slopes: np.ndarray, tolerance: float) -> np.ndarray:
    """Into how many cubics each outline of `Runs.sides` must be cut to be within the tolerance, `[R]`."""
    chosen = np.full(len(way), _PIECES[-1])
    for pieces in reversed(_PIECES[:-1]):
        step = FINE // pieces
        first, length = way[:, :-1:step], way[:, step::step] - way[:, :-1:step]
        start, end = sides[:, :, :-1:step], sides[:, :, step::step]
        leave, arrive = (part * length[..., None] for part in (slopes[:, :, :-1:step], slopes[:, :, step::step]))
        worst = np.zeros(len(way))
        for k in range(1, step):
            h = ((way[:, k::step] - first) / np.maximum(length, 1e-12))[..., None]
            value = (1 + 2 * h) * (1 - h) ** 2 * start + h * (1 - h) ** 2 * leave
            value += h * h * (3 - 2 * h) * end + h * h * (h - 1) * arrive
            error = np.linalg.norm(value - sides[:, :, k::step], axis=-1)
            worst = np.maximum(worst, error.max(axis=(0, 2)))
        chosen = np.where(worst <= tolerance, pieces, chosen)
    return chosen


def _cosine(curves: Curves, strokes: np.ndarray, t: np.ndarray, scale: float) -> np.ndarray:
    """`[N, K]`: of the angle between the way and where a disc touches the outline; ±1 if it does not touch it."""
    growth = (strokes[:, 7:8] - strokes[:, 6:7]) * (scale / 4)
    speed = np.linalg.norm(curves.velocity(t), axis=-1)
    return (-growth / np.maximum(speed, 1e-9)).clip(-1.0, 1.0)
