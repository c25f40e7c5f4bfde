"""Training data: random strokes sampled and drawn, as a network that imitates a brush needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks.sizes import full
from neuralpaint import ops
from neuralpaint.brushes import brush_kinds, get_brush

# Pixels a side: strokes in a call.
COUNTS = {32: 2048, 64: 1024, 128: 256}


@pytest.mark.parametrize("size", [128, *full(32, 64)])
@pytest.mark.parametrize("dtype", [torch.uint8, *full(torch.float16, torch.float32)], ids=str)
@pytest.mark.parametrize("brush", list(brush_kinds()))
def test_generate(measure: Callable[..., Any], device: torch.device, brush: str, dtype: torch.dtype, size: int) -> None:
    chosen, generator = get_brush(brush), torch.Generator().manual_seed(0)

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        strokes = chosen.sample(COUNTS[size], generator).to(device)
        return ops.rasterize(strokes, chosen, size, size, dtype=dtype)

    name = f"{brush}, {str(dtype).removeprefix('torch.')}"
    measure(f"strokes generated, {size}²", name, step, COUNTS[size], "strokes")


@pytest.mark.parametrize("brush", ["oil", *full("watercolor")])
def test_sample_alone(measure: Callable[..., Any], brush: str) -> None:
    """The part of it that is drawing random numbers."""
    chosen, generator = get_brush(brush), torch.Generator().manual_seed(0)
    call = lambda: chosen.sample(COUNTS[128], generator)  # noqa: E731
    measure("strokes generated, 128²", f"{brush}, sampling alone", call, COUNTS[128], "strokes")
