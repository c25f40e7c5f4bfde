"""Boxes of pixels: the parts of a canvas that change."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels: columns x0 to x1 and rows y0 to y1, without the last ones."""


def part(canvas: Tensor, box: Box) -> Tensor:
    """The part of a canvas `[..., H, W]` in a box, a view."""
    return canvas[..., box[1] : box[3], box[0] : box[2]]


def empty(box: Box) -> bool:
    """Whether a box has no pixels."""
    return box[0] >= box[2] or box[1] >= box[3]


def area(box: Box) -> int:
    """The number of pixels of a box that is not empty."""
    return (box[2] - box[0]) * (box[3] - box[1])


def union(boxes: Sequence[Box]) -> Box:
    """The smallest box around one or more."""
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def intersection(first: Box, second: Box) -> Box:
    """What two boxes have in common; may be empty."""
    return max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]), min(first[3], second[3])


def moved(box: Box, x: int, y: int) -> Box:
    """A box as it is seen from (x, y)."""
    return box[0] - x, box[1] - y, box[2] - x, box[3] - y


def fewer(boxes: Sequence[Box]) -> list[Box]:
    """Boxes that cover one or more: the one around them, if it is no more work than they are."""
    boxes = list(dict.fromkeys(boxes))
    whole = union(boxes)
    return [whole] if area(whole) <= sum(map(area, boxes)) else boxes
