"""`rasterize`: strokes a second, against the time it takes merely to fill the same output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks.sizes import full
from neuralpaint import ops
from neuralpaint.brushes import brush_kinds, get_brush
from neuralpaint.ops import reference

BRUSHES = list(brush_kinds())
# Pixels a side: strokes in a call.
COUNTS = {32: 512, 64: 256, 128: 64, 256: 16, 512: 4, 1024: 2}
SIZES = [32, 128, *full(64, 256, 512, 1024)]
DTYPES = [torch.uint8, *full(torch.float16, torch.bfloat16)]


def sample(name: str, count: int, device: torch.device) -> torch.Tensor:
    return get_brush(name).sample(count, torch.Generator().manual_seed(0)).to(device)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_forward(measure: Callable[..., Any], device: torch.device, brush: str, size: int) -> None:
    strokes = sample(brush, COUNTS[size], device)
    measure(
        f"rasterize forward, {size}²", brush, lambda: ops.rasterize(strokes, brush, size, size), len(strokes), "strokes"
    )


@pytest.mark.parametrize("count", full(1, 8, 512))
@pytest.mark.parametrize("brush", ["oil"])
def test_forward_batches(measure: Callable[..., Any], device: torch.device, brush: str, count: int) -> None:
    strokes = sample(brush, count, device)
    call = lambda: ops.rasterize(strokes, brush, 128, 128)  # noqa: E731
    measure("rasterize forward, 128²", f"{brush}, {count} a call", call, count, "strokes")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("buffer", ["kept", *full("new")])
def test_forward_fill(measure: Callable[..., Any], device: torch.device, buffer: str, size: int) -> None:
    """The limit: writing a constant to four channels of float32, to the same memory each time or to new memory."""
    kept = torch.empty(COUNTS[size], 4, size, size, device=device)

    def fill() -> torch.Tensor:
        return (kept if buffer == "kept" else torch.empty_like(kept)).fill_(0.5)

    measure(f"rasterize forward, {size}²", f"torch fill_, {buffer} buffer", fill, len(kept), "strokes")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("brush", ["oil", "tape", *full("watercolor", "marker")])
def test_forward_dtype(measure: Callable[..., Any], device: torch.device, brush: str, dtype: torch.dtype) -> None:
    strokes = sample(brush, COUNTS[128], device)
    name = f"{brush}, {str(dtype).removeprefix('torch.')}"
    call = lambda: ops.rasterize(strokes, brush, 128, 128, dtype=dtype)  # noqa: E731
    measure("rasterize forward, 128²", name, call, len(strokes), "strokes")


@pytest.mark.parametrize("direction", full("forward", "forward + backward"))
@pytest.mark.parametrize("brush", BRUSHES)
def test_float64(measure: Callable[..., Any], device: torch.device, brush: str, direction: str) -> None:
    strokes = sample(brush, 16, device).double().requires_grad_(direction != "forward")
    grads = [torch.ones_like(m) for m in ops.rasterize(strokes.detach(), brush, 128, 128)]

    def step() -> Any:
        maps = ops.rasterize(strokes, brush, 128, 128)
        return maps if direction == "forward" else torch.autograd.grad(maps, strokes, grads)

    measure(f"rasterize {direction}, 128²", f"{brush}, float64", step, len(strokes), "strokes")


@pytest.mark.parametrize("brush", full(*BRUSHES))
def test_forward_reference(measure: Callable[..., Any], brush: str) -> None:
    """The readable truth in plain torch: written for exactness, not for speed."""
    strokes = sample(brush, 1, torch.device("cpu"))
    call = lambda: reference.rasterize(strokes, brush, 32, 32)  # noqa: E731
    measure("rasterize forward, 32²", f"{brush}, plain torch", call, 1, "strokes", once=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("brush", BRUSHES)
def test_backward(measure: Callable[..., Any], device: torch.device, brush: str, size: int) -> None:
    strokes = sample(brush, COUNTS[size], device).requires_grad_()
    grads = [torch.ones_like(m) for m in ops.rasterize(strokes.detach(), brush, size, size)]

    def step() -> torch.Tensor:
        return torch.autograd.grad(ops.rasterize(strokes, brush, size, size), strokes, grads)[0]

    measure(f"rasterize forward + backward, {size}²", brush, step, len(strokes), "strokes")
