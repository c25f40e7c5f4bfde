"""Polylines with as few points as a tolerance allows."""

from __future__ import annotations

import numpy as np


def simplified(points: np.ndarray, tolerance: float) -> np.ndarray:
    """The points `[K, 2]` that a polyline needs to stay within the tolerance (Ramer, Douglas and Peucker, 1972-73).

    The first and the last point stay.
    """
    if len(points) < 3:
        return points
    kept = np.zeros(len(points), dtype=bool)
    kept[0] = kept[-1] = True
    waiting = [(0, len(points) - 1)]
    while waiting:
        start, end = waiting.pop()
        if end - start < 2:
            continue
        between = points[start + 1 : end] - points[start]
        chord = points[end] - points[start]
        length = float(chord @ chord)
        if length > 0:
            share = (between @ chord / length).clip(0.0, 1.0)
            between = between - share[:, None] * chord
        far = (between * between).sum(axis=1)
        furthest = int(far.argmax())
        if far[furthest] > tolerance * tolerance:
            middle = start + 1 + furthest
            kept[middle] = True
            waiting += [(start, middle), (middle, end)]
    return points[kept]


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
