"""Polylines with as few points as a tolerance allows."""

from __future__ import annotations

import numpy as np

_SHORT = 64  # points up to which a plain loop is faster than numpy


def simplified(points: np.ndarray, tolerance: float) -> np.ndarray:
    """The points `[K, 2]` that a polyline needs to stay within the tolerance (Ramer, Douglas and Peucker, 1972-73).

    The first and the last point stay.
    """
    kept = [0, len(points) - 1]
    plain = points.tolist()
    waiting = [(0, len(points) - 1)]
    while waiting:
        start, end = waiting.pop()
        if end - start < 2:
            continue
        if end - start <= _SHORT:
            furthest, far = _furthest(plain[start : end + 1])
        else:
            furthest, far = _furthest_of_many(points[start : end + 1])
        if far > tolerance * tolerance:
            kept.append(start + furthest)
            waiting += [(start, start + furthest), (start + furthest, end)]
    return points[sorted(set(kept))]


def _furthest(points: list[list[float]]) -> tuple[int, float]:
    """Which point is furthest from the segment between the first and the last, and the square of its distance."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    dx, dy = x1 - x0, y1 - y0
    inverse = 1 / max(dx * dx + dy * dy, 1e-300)
    best, far = 0, -1.0
    for index, (x, y) in enumerate(points):
        qx, qy = x - x0, y - y0
        share = (qx * dx + qy * dy) * inverse
        share = 0.0 if share < 0 else min(share, 1.0)
        qx, qy = qx - share * dx, qy - share * dy
        square = qx * qx + qy * qy
        if square > far:
            best, far = index, square
    return best, far


def _furthest_of_many(points: np.ndarray) -> tuple[int, float]:
    away, chord = points - points[0], points[-1] - points[0]
    share = (away @ chord / max(float(chord @ chord), 1e-300)).clip(0.0, 1.0)
    away = away - share[:, None] * chord
    square = (away * away).sum(axis=1)
    best = int(square.argmax())
    return best, float(square[best])


def simplified_ring(points: np.ndarray, tolerance: float) -> np.ndarray:
    """The same of a closed polygon `[K, 2]`, whose first point is not repeated."""
    if len(points) < 4:
        return points
    opposite = int(((points - points[0]) ** 2).sum(axis=1).argmax())
    if opposite == 0:
        return points[:1]
    there = simplified(points[: opposite + 1], tolerance)
    back = simplified(np.concatenate([points[opposite:], points[:1]]), tolerance)
    return np.concatenate([there[:-1], back[:-1]])
