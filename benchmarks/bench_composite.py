"""`composite`: sequential blending of maps, against the same in plain torch and against copying as many bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks import rivals
from benchmarks.sizes import full
from neuralpaint import ops
from neuralpaint.roofline.work import composite_work

# Canvases, strokes on each, pixels a side.
CASES = {
    "25 canvases × 9 strokes, 128²": (25, 9, 128),
    "64 canvases × 9 strokes, 32²": (64, 9, 32),
    "1 canvas × 64 strokes, 256²": (1, 64, 256),
    "4 canvases × 9 strokes, 512²": (4, 9, 512),
    "1 canvas × 9 strokes, 1024²": (1, 9, 1024),
}
NAMES = [list(CASES)[0], *full(*list(CASES)[1:])]
IMPLEMENTATIONS: dict[str, tuple[Callable[..., torch.Tensor], torch.dtype]] = {
    "neuralpaint": (ops.composite, torch.float32),
    "plain torch": (rivals.blend, torch.float32),
    "neuralpaint, float64": (ops.composite, torch.float64),
}
CHOSEN = ["neuralpaint", "plain torch", *full("neuralpaint, float64")]


def maps(case: str, device: torch.device, dtype: torch.dtype) -> list[torch.Tensor]:
    batch, count, size = CASES[case]
    generator = torch.Generator().manual_seed(0)
    shapes = ((batch, 3, size, size), (batch, count, 3, size, size), (batch, count, 1, size, size))
    return [torch.rand(shape, generator=generator).to(device, dtype) for shape in shapes]


@pytest.mark.parametrize("implementation", CHOSEN)
@pytest.mark.parametrize("case", NAMES)
def test_forward(measure: Callable[..., Any], device: torch.device, case: str, implementation: str) -> None:
    function, dtype = IMPLEMENTATIONS[implementation]
    arguments = maps(case, device, dtype)
    strokes = CASES[case][0] * CASES[case][1]
    measure(f"composite forward, {case}", implementation, lambda: function(*arguments), strokes, "strokes")


@pytest.mark.parametrize("implementation", CHOSEN)
@pytest.mark.parametrize("case", NAMES)
def test_backward(measure: Callable[..., Any], device: torch.device, case: str, implementation: str) -> None:
    function, dtype = IMPLEMENTATIONS[implementation]
    arguments = maps(case, device, dtype)
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


@pytest.mark.parametrize("direction", ["forward", "forward + backward"])
@pytest.mark.parametrize("case", NAMES)
def test_copy(measure: Callable[..., Any], device: torch.device, case: str, direction: str) -> None:
    """The limit: moving the bytes that the op must move, half of them in and half out."""
    batch, count, size = CASES[case]
    moved = composite_work(batch, count, size * size, 4, direction != "forward").moved
    source = torch.ones(moved // 8, device=device)
    target = torch.ones_like(source)
    name = f"composite {direction}, {case}"
    measure(name, "torch copy_ of as many bytes", lambda: target.copy_(source), batch * count, "strokes")
