"""What a brush offers for SVG: an element for each stroke, and the definitions that they refer to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuralpaint.brushes.svg.text import Writer

BATCH = 256
"""Strokes whose outlines are computed together: bounds the memory."""


class Shapes:
    """Turns strokes `[N, P]` of one brush into SVG, in float64 and in units of the canvas.

    Both methods are generators that hold one batch in memory. They are given runs of a painting's strokes; `first` is
    the number of the run's first stroke in the painting, which makes the ids.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def definitions(self, strokes: np.ndarray) -> Iterator[str]:
        """What stands in <defs>, of all strokes of a painting: gradients, stamps. None by default."""
        yield from ()

    def elements(self, strokes: np.ndarray, first: int = 0) -> Iterator[str]:
        """One element a stroke, in order."""
        raise NotImplementedError


def batches(strokes: np.ndarray, first: int = 0, size: int = BATCH) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first, strokes) of each batch."""
    for start in range(0, len(strokes), size):
        yield first + start, strokes[start : start + size]
