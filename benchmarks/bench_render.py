"""`render`: strokes a second onto canvases, against drawing maps first and blending them in plain torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks import rivals
from neuralpaint import ops
from neuralpaint.brushes import brushes, get_brush

BRUSHES = list(brushes())
PAINTING = "1 canvas × 500 strokes, 512²"
BLOCKS = "25 canvases × 9 strokes, 128²"


def painting(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """500 strokes as in a painting: each lives in a block of a quarter of the canvas, somewhere."""
    brush, generator = get_brush(name), torch.Generator().manual_seed(0)
    places = 0.75 * torch.rand(500, 2, generator=generator)
    strokes = brush.transform(brush.sample(500, generator), 0.25, places)
    return torch.ones(1, 3, 512, 512), strokes[None]


def blocks(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Strokes of any size up to the whole canvas."""
    brush = get_brush(name)
    strokes = brush.sample(25 * 9, torch.Generator().manual_seed(0))
    return torch.ones(25, 3, 128, 128), strokes.unflatten(0, (25, 9))


CASES = {PAINTING: painting, BLOCKS: blocks}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_forward(measure: Callable[..., Any], brush: str, case: str) -> None:
    canvas, strokes = CASES[case](brush)
    count = strokes.shape[0] * strokes.shape[1]
    measure(f"render forward, {case}", brush, lambda: ops.render(canvas, strokes, brush), count, "strokes")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_backward(measure: Callable[..., Any], brush: str, case: str) -> None:
    canvas, strokes = CASES[case](brush)
    grad, count = torch.ones_like(canvas), strokes.shape[0] * strokes.shape[1]
    canvas.requires_grad_()
    strokes.requires_grad_()

    def step() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(ops.render(canvas, strokes, brush), (canvas, strokes), grad)

    measure(f"render forward + backward, {case}", brush, step, count, "strokes")


@pytest.mark.parametrize("implementation", ["render_loss", "render and autograd"])
@pytest.mark.parametrize("brush", BRUSHES)
def test_loss(measure: Callable[..., Any], brush: str, implementation: str) -> None:
    """The inner loop of a search: a squared error and its gradient by the strokes."""
    canvas, strokes = painting(brush)
    target = torch.full_like(canvas, 0.5)
    leaf = strokes.clone().requires_grad_()

    def by_autograd() -> torch.Tensor:
        return torch.autograd.grad((ops.render(canvas, leaf, brush) - target).square().sum(), leaf)[0]

    def fused() -> torch.Tensor:
        return ops.render_loss(canvas, strokes, brush, target)[2]

    step = fused if implementation == "render_loss" else by_autograd
    measure(f"squared error and its gradient, {PAINTING}", f"{brush}, {implementation}", step, 500, "strokes")


@pytest.mark.parametrize("brush", BRUSHES)
def test_backward_by_maps(measure: Callable[..., Any], brush: str) -> None:
    canvas, strokes = blocks(brush)
    grad = torch.ones_like(canvas)
    canvas.requires_grad_()
    strokes.requires_grad_()

    def step() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(rivals.render_by_maps(canvas, strokes, get_brush(brush)), (canvas, strokes), grad)

    measure(f"render forward + backward, {BLOCKS}", f"{brush}, rasterize + plain torch", step, 225, "strokes")
