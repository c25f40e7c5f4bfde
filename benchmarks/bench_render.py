"""`render`: strokes a second onto canvases, against drawing maps first and blending them in plain torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks import rivals
from benchmarks.sizes import full
from neuralpaint import ops
from neuralpaint.brushes import brush_kinds, get_brush
from neuralpaint.roofline.cases import sample, small_strokes

BRUSHES = list(brush_kinds())


def canvas_name(batch: int, strokes: int, size: int) -> str:
    return f"{batch} {'canvas' if batch == 1 else 'canvases'} × {strokes} strokes, {size}²"


# Canvases, strokes on each, pixels a side. One canvas: strokes as in a painting, each in a block of a quarter of the
# canvas, somewhere. Several: strokes of any size up to the whole canvas.
SHAPES = [(1, 500, 512), (25, 9, 128), (25, 9, 32), (25, 9, 64), (1, 500, 256), (1, 500, 1024), (1, 5000, 1024)]
CASES = {canvas_name(*shape): shape for shape in SHAPES}
PAINTING, BLOCKS, *OTHERS = CASES
NAMES = [PAINTING, BLOCKS, *full(*OTHERS)]


def arguments(
    case: str, brush: str, device: torch.device, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Canvases and strokes."""
    batch, count, size = CASES[case]
    draw = small_strokes if batch == 1 else sample
    strokes = draw(get_brush(brush), batch * count, device).unflatten(0, (batch, count))
    return torch.ones(batch, 3, size, size, device=device, dtype=dtype), strokes.to(dtype)


@pytest.mark.parametrize("case", NAMES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_forward(measure: Callable[..., Any], device: torch.device, brush: str, case: str) -> None:
    canvas, strokes = arguments(case, brush, device)
    count = strokes.shape[0] * strokes.shape[1]
    measure(f"render forward, {case}", brush, lambda: ops.render(canvas, strokes, brush), count, "strokes")


@pytest.mark.parametrize("dtype", [torch.float32, *full(torch.float64)], ids=str)
@pytest.mark.parametrize("case", NAMES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_backward(measure: Callable[..., Any], device: torch.device, brush: str, case: str, dtype: torch.dtype) -> None:
    canvas, strokes = arguments(case, brush, device, dtype)
    grad, count = torch.ones_like(canvas), strokes.shape[0] * strokes.shape[1]
    canvas.requires_grad_()
    strokes.requires_grad_()

    def step() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(ops.render(canvas, strokes, brush), (canvas, strokes), grad)

    name = brush if dtype == torch.float32 else f"{brush}, float64"
    measure(f"render forward + backward, {case}", name, step, count, "strokes")


@pytest.mark.parametrize("implementation", ["render_loss", *full("render and autograd")])
@pytest.mark.parametrize("brush", BRUSHES)
def test_loss(measure: Callable[..., Any], device: torch.device, brush: str, implementation: str) -> None:
    """The inner loop of a search: a squared error and its gradient by the strokes."""
    canvas, strokes = arguments(PAINTING, brush, device)
    target = torch.full_like(canvas, 0.5)
    leaf = strokes.clone().requires_grad_()

    def by_autograd() -> torch.Tensor:
        return torch.autograd.grad((ops.render(canvas, leaf, brush) - target).square().sum(), leaf)[0]

    def fused() -> torch.Tensor:
        return ops.render_loss(canvas, strokes, brush, target)[2]

    step = fused if implementation == "render_loss" else by_autograd
    measure(f"squared error and its gradient, {PAINTING}", f"{brush}, {implementation}", step, 500, "strokes")


@pytest.mark.parametrize("brush", ["oil", *full(*(brush for brush in BRUSHES if brush != "oil"))])
def test_backward_by_maps(measure: Callable[..., Any], device: torch.device, brush: str) -> None:
    canvas, strokes = arguments(BLOCKS, brush, device)
    grad = torch.ones_like(canvas)
    canvas.requires_grad_()
    strokes.requires_grad_()

    def step() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(rivals.render_by_maps(canvas, strokes, get_brush(brush)), (canvas, strokes), grad)

    measure(f"render forward + backward, {BLOCKS}", f"{brush}, rasterize + plain torch", step, 225, "strokes")
