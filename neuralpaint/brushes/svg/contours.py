"""Level sets of a sampled field as polygons: marching squares (Lorensen and Cline, 1987, in two dimensions)."""

from __future__ import annotations

import numpy as np

# By which of a cell's corners are inside (1: top left, 2: top right, 4: bottom right, 8: bottom left): from which side
# to which a contour runs (top 0, right 1, bottom 2, left 3). Opposite corners have a contour each.
_RUNS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((0, 3),),
    2: ((1, 0),),
    3: ((1, 3),),
    4: ((2, 1),),
    5: ((0, 3), (2, 1)),
    6: ((2, 0),),
    7: ((2, 3),),
    8: ((3, 2),),
    9: ((0, 2),),
    10: ((1, 0), (3, 2)),
    11: ((1, 2),),
    12: ((3, 1),),
    13: ((0, 1),),
    14: ((3, 0),),
}


def contours(field: np.ndarray) -> list[np.ndarray]:
    """Closed polygons `[K, 2]` (x, y) around where a field `[H, W]` is positive, holes the other way around.

    Sample (i, j) lies at x = j + ½, y = i + ½. Contours are interpolated between samples and closed along the border.
    """
    height, width = field.shape
    lowest = min(-1e-6, -float(np.abs(field).max(initial=0)))
    padded = np.full((height + 2, width + 2), lowest)
    padded[1:-1, 1:-1] = np.where(field == 0, -1e-9, field)
    inside = padded > 0
    kind = inside[:-1, :-1] + 2 * inside[:-1, 1:] + 4 * inside[1:, 1:] + 8 * inside[1:, :-1]
    rows, columns = np.nonzero((kind > 0) & (kind < 15))
    following: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for i, j, case in zip(rows.tolist(), columns.tolist(), kind[rows, columns].tolist(), strict=True):
        for start, end in _RUNS[case]:
            following[_side(i, j, start)] = _side(i, j, end)
    found = []
    while following:
        side, after = following.popitem()
        ring = [side]
        while after != ring[0]:
            ring.append(after)
            after = following.pop(after)
        points = _crossings(padded, np.array(ring))
        found.append(np.clip(points, 0, [width, height]))
    return found


def _side(i: int, j: int, side: int) -> tuple[int, int, int]:
    """(row, column, 0 if it lies along the row) of a side of the cell at (i, j): sides are shared by two cells."""
    if side in (0, 2):
        return i + side // 2, j, 0
    return i, j + (side == 1), 1


def _crossings(padded: np.ndarray, sides: np.ndarray) -> np.ndarray:
    i, j, upright = sides.T
    here, there = padded[i, j], padded[i + upright, j + 1 - upright]
    share = here / (here - there)
    return np.stack([j + share * (1 - upright) - 0.5, i + share * upright - 0.5], -1)


def area(points: np.ndarray) -> float:
    """Signed area of a polygon."""
    x, y = points[:, 0], points[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
