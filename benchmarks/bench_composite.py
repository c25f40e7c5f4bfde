"""`composite`: sequential blending of maps, against the same in plain torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks import rivals
from neuralpaint import ops

CASES = {"25 canvases × 9 strokes, 128²": (25, 9, 128), "1 canvas × 64 strokes, 256²": (1, 64, 256)}
IMPLEMENTATIONS = {"neuralpaint": ops.composite, "plain torch": rivals.blend}


def maps(case: str) -> list[torch.Tensor]:
    batch, count, size = CASES[case]
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, 3, size, size), (batch, count, 3, size, size), (batch, count, 1, size, size))
    return [torch.rand(shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("case", CASES)
def test_forward(measure: Callable[..., Any], case: str, implementation: str) -> None:
    arguments, function = maps(case), IMPLEMENTATIONS[implementation]
    strokes = CASES[case][0] * CASES[case][1]
    measure(f"composite forward, {case}", implementation, lambda: function(*arguments), strokes, "strokes")


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("case", CASES)
def test_backward(measure: Callable[..., Any], case: str, implementation: str) -> None:
    arguments, function = maps(case), IMPLEMENTATIONS[implementation]
    grad = torch.ones_like(arguments[0])
    for argument in arguments:
        argument.requires_grad_()
    strokes = CASES[case][0] * CASES[case][1]
    measure(
        f"composite forward + backward, {case}",
        implementation,
        lambda: torch.autograd.grad(function(*arguments), arguments, grad),
        strokes,
        "strokes",
    )
