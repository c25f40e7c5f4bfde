"""The order in which a robot paints: few changes of paint, and nothing under what it should cover."""

from __future__ import annotations

import heapq
import math

import numpy as np

_DIRECTIONS = 16  # in which two shapes are compared
_ROWS = 512  # strokes that are compared with all others at once: bounds memory use


def overlaps(outlines: np.ndarray, slack: float = 1e-6) -> list[np.ndarray]:
    """For each stroke the later ones that may overlap it.

    Two strokes certainly do not if a line in one of 16 directions passes between them. Some that do not overlap are not
    told apart; for the order that does no harm.

    Args:
        outlines: `[N, L, M, 2]`, see `Brush.outline`.
        slack: strokes closer than this count as overlapping.
    """
    turn = math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    reach = outlines.reshape(len(outlines), -1, 2) @ np.stack([np.cos(turn), np.sin(turn)])
    low, high = reach.min(1) - slack / 2, reach.max(1) + slack / 2
    found: list[np.ndarray] = []
    for first in range(0, len(outlines), _ROWS):
        rows = slice(first, first + _ROWS)
        near = np.arange(len(low))[None, first:] > np.arange(len(low))[rows, None]
        for k in (0, _DIRECTIONS // 2):  # upright boxes first, for every pair
            near &= (low[rows, None, k] <= high[None, first:, k]) & (high[rows, None, k] >= low[None, first:, k])
        row, other = np.nonzero(near)
        a, b = row + first, other + first
        touching = ((low[a] <= high[b]) & (high[a] >= low[b])).all(1)
        cuts = np.searchsorted(row[touching], np.arange(1, len(near)))
        found += np.split(b[touching], cuts)
    return found


def painting_order(colors: np.ndarray, later: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """An order of strokes, and their layers: runs of one colour.

    A stroke can be painted once all earlier ones that it overlaps are. The robot paints whatever it can with the paint
    it has, in the painting's order, and then takes the paint with which it can go on the longest.

    Args:
        colors: `[N]`, integers.
        later: for each stroke the later ones that it overlaps.

    Returns:
        Indices `[N]` and layers `[N]`, both by the order.
    """
    waiting = np.zeros(len(colors), dtype=np.int64)
    for over in later:
        waiting[over] += 1
    ready: dict[int, list[int]] = {color: [] for color in np.unique(colors).tolist()}
    for index in np.flatnonzero(waiting == 0).tolist():
        heapq.heappush(ready[int(colors[index])], index)
    order: list[int] = []
    layers: list[int] = []
    layer = 0
    while len(order) < len(colors):
        color = max(ready, key=lambda own: (_run_length(own, ready[own], colors, later, waiting), -own))
        while ready[color]:
            index = heapq.heappop(ready[color])
            order.append(index)
            layers.append(layer)
            for over in later[index].tolist():
                waiting[over] -= 1
                if waiting[over] == 0:
                    heapq.heappush(ready[int(colors[over])], over)
        layer += 1
    return np.array(order, dtype=np.int64), np.array(layers, dtype=np.int64)


def _run_length(color: int, ready: list[int], colors: np.ndarray, later: list[np.ndarray], waiting: np.ndarray) -> int:
    """How many strokes can be painted with one colour before another is needed."""
    left, freed, count = list(ready), dict[int, int](), 0
    while left:
        count += 1
        for over in later[left.pop()].tolist():
            if colors[over] == color:
                freed[over] = freed.get(over, 0) + 1
                if freed[over] == waiting[over]:
                    left.append(over)
    return count
