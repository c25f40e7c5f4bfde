"""A weak pull of strokes towards the directions in which a painter would draw them."""

from __future__ import annotations

from torch import Tensor

from neuralpaint.search.problem import Problem

_STRENGTH = 2e-2  # squared error that a stroke across its direction costs, for each pixel of its area
EVERY = 3  # steps for one pull


class Pull:
    """The gradient of Σ s·A·(1 − cos 2δ)/2 over the strokes: A is a stroke's area in pixels, δ the angle between it and
    the tangent field of the guide where its middle lies, s a strength that is proportional to how sure the field is.

    It is so weak that it decides only where the photo says nothing: in flat regions, where strokes would otherwise
    keep whatever direction they happened to start with.
    """

    def __init__(self, problem: Problem, size: int) -> None:
        assert problem.guide.tangents is not None
        self._field = problem.guide.tangents.to(problem.device)
        self._brush, self._aspect, self._pixels = problem.brush, problem.aspect, float(size * size)

    def add_gradient_(self, gradient: Tensor, strokes: Tensor) -> None:
        """Adds it to `gradient` `[N, P]`, of strokes `[N, P]`."""
        height, width = self._field.shape[1:]
        x, y, double, area = self._brush.pose(strokes)
        column = (x * (width / self._aspect[1])).long().clamp(0, width - 1)
        row = (y * (height / self._aspect[0])).long().clamp(0, height - 1)
        field = self._field[:, row, column]
        # sin 2δ times the field's length, for 2δ = double − the field's
        sine = double.sin() * field[0] - double.cos() * field[1]
        slope = (_STRENGTH * EVERY * self._pixels) * area * sine
        self._brush.add_turn_(gradient, strokes, slope)
