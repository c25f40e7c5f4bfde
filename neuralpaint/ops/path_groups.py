"""Groups of paths that share an opacity, for `render_paths`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neuralpaint.utils.validation import shown


@dataclass(frozen=True, eq=False)
class Step:
    """Paths that are drawn in one go, or where a group begins or ends.

    Attributes:
        kind: "draw", "open" or "close".
        group: index of the group that begins or ends.
        segments, paths: first and end, of those that are drawn.
        contours, styles: the rows of a layout that are those paths', counted from the first of them.
    """

    kind: str
    group: int = -1
    segments: tuple[int, int] = (0, 0)
    paths: tuple[int, int] = (0, 0)
    contours: Tensor | None = None
    styles: Tensor | None = None


def as_groups(groups: Sequence[tuple[int, int]], paths: int) -> tuple[tuple[int, int], ...]:
    """Checks ranges of paths, (first, end): each lies within another one or beside it.

    Raises:
        TypeError, ValueError: `groups` is not that.
    """
    found = []
    for group in groups:
        pair = tuple(group)
        if len(pair) != 2 or any(isinstance(end, bool) or not isinstance(end, int) for end in pair):
            raise TypeError(f"groups must be pairs of whole numbers, got {shown(group)}")
        if not 0 <= pair[0] < pair[1] <= paths:
            raise ValueError(f"groups must be ranges (first, end) of the {paths} paths, got {shown(pair)}")
        found.append((pair[0], pair[1]))
    open_: list[int] = []
    for first, end in sorted(found, key=lambda pair: (pair[0], -pair[1])):
        while open_ and open_[-1] <= first:
            open_.pop()
        if open_ and end > open_[-1]:
            raise ValueError(f"groups must not overlap unless one holds the other, got {shown((first, end))}")
        open_.append(end)
    return tuple(found)


def steps_of(groups: Sequence[tuple[int, int]], contours: Tensor, styles: Tensor) -> tuple[Step, ...]:
    """What is done in order to draw a layout's paths in these groups."""
    # Of groups that begin together the longer one is the outer; of equal ones, the first.
    order = sorted(range(len(groups)), key=lambda g: (groups[g][0], -groups[g][1], g))
    starts = [0, *torch.cumsum(torch.bincount(contours[:, 0], contours[:, 1], styles.shape[0]), 0).long().tolist()]
    steps: list[Step] = []
    at = 0

    def draw(end: int) -> None:
        nonlocal at
        if end > at:
            own = contours[(contours[:, 0] >= at) & (contours[:, 0] < end)] - torch.tensor([at, 0, 0])
            segments = starts[at], starts[end]
            steps.append(Step("draw", -1, segments, (at, end), own.contiguous(), styles[at:end].clone()))
        at = max(at, end)

    open_: list[int] = []
    for g in [*order, -1]:
        first = groups[g][0] if g >= 0 else styles.shape[0]
        while open_ and groups[open_[-1]][1] <= first:
            draw(groups[open_[-1]][1])
            steps.append(Step("close", open_.pop()))
        draw(first)
        if g >= 0:
            steps.append(Step("open", g))
            open_.append(g)
    return tuple(steps)
