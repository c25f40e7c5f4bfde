"""A weak pull of strokes towards the directions in which a painter would draw them."""

from __future__ import annotations

from neuralpaint.ops import Pull
from neuralpaint.search.problem import Problem

STRENGTH = 2e-2  # squared error that a stroke across its direction costs, for each pixel of its area
EVERY = 3  # steps for one pull


def pull_of(problem: Problem, size: int) -> Pull | None:
    """The pull of every third step, at `size` pixels along the canvas's shorter side; None: the guide has no field.

    It is so weak that it decides only where the photo says nothing: in flat regions, where strokes would otherwise
    keep whatever direction they happened to start with. The less sure the guide's field is, the weaker it is.
    """
    if problem.guide.tangents is None:
        return None
    down, across = problem.aspect
    field = problem.guide.tangents.to(problem.device).contiguous()
    return Pull(field, across, down, STRENGTH * EVERY * size**2, problem.brush.turning)
