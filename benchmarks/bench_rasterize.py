"""`rasterize`: strokes a second, against the time it takes merely to fill the same output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from neuralpaint import ops
from neuralpaint.brushes import brushes, get_brush
from neuralpaint.ops import reference

BRUSHES = list(brushes())
SIZES = {32: 512, 128: 64}  # pixels a side: strokes in a call


def sample(name: str, count: int) -> torch.Tensor:
    return get_brush(name).sample(count, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_forward(measure: Callable[..., Any], brush: str, size: int) -> None:
    strokes = sample(brush, SIZES[size])
    measure(
        f"rasterize forward, {size}²", brush, lambda: ops.rasterize(strokes, brush, size, size), len(strokes), "strokes"
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("buffer", ["kept", "new"])
def test_forward_fill(measure: Callable[..., Any], buffer: str, size: int) -> None:
    """The limit: writing a constant to four channels of float32, to the same memory each time or to new memory."""
    kept = torch.empty(SIZES[size], 4, size, size)

    def fill() -> torch.Tensor:
        return (kept if buffer == "kept" else torch.empty_like(kept)).fill_(0.5)

    measure(f"rasterize forward, {size}²", f"torch fill_, {buffer} buffer", fill, len(kept), "strokes")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.uint8], ids=str)
def test_forward_dtype(measure: Callable[..., Any], dtype: torch.dtype) -> None:
    strokes = sample("oil", SIZES[128])
    name = f"oil, {str(dtype).removeprefix('torch.')}"
    call = lambda: ops.rasterize(strokes, "oil", 128, 128, dtype=dtype)  # noqa: E731
    measure("rasterize forward, 128²", name, call, len(strokes), "strokes")


@pytest.mark.parametrize("brush", BRUSHES)
def test_forward_reference(measure: Callable[..., Any], brush: str) -> None:
    """The readable truth in plain torch: written for exactness, not for speed."""
    strokes = sample(brush, 1)
    call = lambda: reference.rasterize(strokes, brush, 32, 32)  # noqa: E731
    measure("rasterize forward, 32²", f"{brush}, plain torch", call, 1, "strokes", once=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_backward(measure: Callable[..., Any], brush: str, size: int) -> None:
    strokes = sample(brush, SIZES[size]).requires_grad_()
    grads = (torch.ones(SIZES[size], 3, size, size), torch.ones(SIZES[size], 1, size, size))

    def step() -> torch.Tensor:
        return torch.autograd.grad(ops.rasterize(strokes, brush, size, size), strokes, grads)[0]

    measure(f"rasterize forward + backward, {size}²", brush, step, len(strokes), "strokes")
