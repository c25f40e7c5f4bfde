"""Which columns of strokes say where they lie, which way they run, and about how large they are."""

from __future__ import annotations

from typing import NamedTuple


class Turning(NamedTuple):
    """How strokes turn: those between two points about their middle, those that fill a box by their angle.

    Attributes:
        start, end: the columns of x of the two points, each before that of y. Of boxes, whose middle is in the first
            two columns, −1 and the column of θ, the angle π·θ.
        size, sizes: the first of the columns whose mean, times the distance of the points, is the area but for a
            factor, and how many they are, 1 or 2; of boxes those of width and height.
        area: that factor.
    """

    start: int
    end: int
    size: int
    sizes: int
    area: float
