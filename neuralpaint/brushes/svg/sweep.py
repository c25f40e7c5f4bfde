"""Outlines of what a tip covers on its way along a curve, as plain polygons that do not cross themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuralpaint.brushes.svg.polyline import simplified

_EDGE = 1e-9  # share of the extent by which a segment is taken to reach further: rounding


def swept_polygons(tips: np.ndarray, direction: np.ndarray, tolerance: float) -> Iterator[np.ndarray]:
    """Polygons `[K, 2]` around all that convex tips cover, moved from each position to the next.

    A stroke's curve turns by at most a quarter turn, so each line across its chord meets the tips in one interval: an
    outline is the upper and the lower envelope of the tips' edges and of their corners' ways.

    Args:
        tips: `[N, M, V, 2]`, the V corners of the tip, in order, at M places along each curve.
        direction: `[N, 2]`, unit vectors, along which the tips move.
        tolerance: by how much a polygon may be off.
    """
    count = len(tips)
    across = np.stack([-direction[:, 1], direction[:, 0]], -1)
    s = np.einsum("nmvc,nc->nmv", tips, direction)
    w = np.einsum("nmvc,nc->nmv", tips, across)
    place = np.stack([s, w], -1)
    edges = (place, np.roll(place, -1, axis=2))
    ways = (place[:, :-1], place[:, 1:])
    start = np.concatenate([part.reshape(count, -1, 2) for part in (edges[0], ways[0])], axis=1)
    end = np.concatenate([part.reshape(count, -1, 2) for part in (edges[1], ways[1])], axis=1)
    swap = start[..., :1] > end[..., :1]
    start, end = np.where(swap, end, start), np.where(swap, start, end)
    samples = np.sort(s.reshape(count, -1), axis=1)
    for index in range(count):
        upper, lower = _envelopes(start[index], end[index], samples[index])
        upper, lower = (simplified(np.stack([samples[index], side], -1), tolerance) for side in (upper, lower))
        ring = np.concatenate([upper, lower[::-1]])
        yield ring[:, :1] * direction[index] + ring[:, 1:] * across[index]


def _envelopes(start: np.ndarray, end: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the smallest w of segments `[S, 2]` (s, w), start before end, at each sample `[K]`."""
    slack = _EDGE * (samples[-1] - samples[0])
    length = end[:, 0] - start[:, 0]
    steep = length <= slack
    slope = np.where(steep, 0.0, (end[:, 1] - start[:, 1]) / np.where(steep, 1.0, length))
    way = (samples[None] - start[:, :1]).clip(0.0, length[:, None])
    value = start[:, 1:] + way * slope[:, None]
    outside = (samples[None] < start[:, :1] - slack) | (samples[None] > end[:, :1] + slack)
    high = np.where(steep[:, None], np.maximum(start[:, 1:], end[:, 1:]), value)
    low = np.where(steep[:, None], np.minimum(start[:, 1:], end[:, 1:]), value)
    return np.where(outside, -np.inf, high).max(axis=0), np.where(outside, np.inf, low).min(axis=0)
