"""`render_paths`: closed, filled paths of four curves, and open curves that are stroked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchmarks.sizes import full
from neuralpaint.ops import PathLayout, render_paths

# Height and width, paths, radius in pixels, whether they are stroked.
CASES = {
    "256 fills, 256²": (256, 256, 256, 20, False),
    "512 fills, 256²": (256, 256, 512, 20, False),
    "2048 strokes, 2040 × 1344": (1344, 2040, 2048, 80, True),
    "2048 fills, 2040 × 1344": (1344, 2040, 2048, 80, False),
}
NAMES = [list(CASES)[1], *full(list(CASES)[0], *list(CASES)[2:])]


def picture(case: str, device: torch.device) -> tuple[Callable[[], torch.Tensor], list[torch.Tensor]]:
    """A function that draws uneven discs, or a quarter of each as an open curve; and what it is differentiated by."""
    height, width, count, radius, stroked = CASES[case]
    generator = torch.Generator().manual_seed(0)
    angles = 2 * math.pi * (torch.arange(12) / 12)
    ring = torch.stack([torch.cos(angles), torch.sin(angles)], 1)
    sizes = radius * (0.3 + 1.4 * torch.rand(count, 1, 1, generator=generator))
    uneven = sizes * (0.8 + 0.4 * torch.rand(count, 12, 1, generator=generator))
    knots = torch.rand(count, 1, 2, generator=generator) * torch.tensor([width, height]) + uneven * ring
    points = knots[:, (torch.arange(0, 12, 3)[:, None] + torch.arange(4)) % 12][None].to(device)
    paint = torch.rand(1, count, 4, generator=generator).to(device).requires_grad_()
    canvas = torch.ones(1, 3, height, width, device=device)
    if not stroked:
        points.requires_grad_()
        return lambda: render_paths(canvas, points, fill=paint, pixels_per_unit=1), [points, paint]
    points = points[:, :, 0].contiguous().requires_grad_()
    thick = torch.full((1, count), 6.0, device=device, requires_grad=True)
    layout = PathLayout.of([1] * count, closed=False, cap="round", join="round")
    return (
        lambda: render_paths(canvas, points, layout, stroke=paint, width=thick, pixels_per_unit=1),
        [points, paint, thick],
    )


@pytest.mark.parametrize("case", NAMES)
def test_forward(measure: Callable[..., Any], device: torch.device, case: str) -> None:
    draw, _ = picture(case, device)
    with torch.no_grad():
        measure(f"render_paths forward, {case}", "neuralpaint", draw, CASES[case][2], "paths")


@pytest.mark.parametrize("case", NAMES)
def test_backward(measure: Callable[..., Any], device: torch.device, case: str) -> None:
    draw, leaves = picture(case, device)
    grad = torch.ones_like(draw())
    name = f"render_paths forward + backward, {case}"
    measure(name, "neuralpaint", lambda: torch.autograd.grad(draw(), leaves, grad), CASES[case][2], "paths")
