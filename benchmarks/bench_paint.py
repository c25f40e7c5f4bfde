"""A whole painting of a synthetic photo, 256² pixels, 100 strokes: from the photo to the strokes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import neuralpaint
from neuralpaint.brushes import brushes

STROKES = 100


def synthetic_photo(size: int = 256) -> torch.Tensor:
    """`[3, size, size]`: a sky with a sun, hills and a striped field, with smooth shading and fine detail."""
    y, x = torch.meshgrid(*(torch.linspace(0, 1, size),) * 2, indexing="ij")
    photo = torch.stack([0.45 + 0.4 * y, 0.6 + 0.2 * y, 0.9 - 0.2 * y])
    sun = torch.exp(-((x - 0.72) ** 2 + (y - 0.25) ** 2) / 0.006)
    photo += sun * torch.tensor([0.4, 0.2, -0.4]).view(3, 1, 1)
    hills = y > 0.55 + 0.08 * torch.sin(7 * x) + 0.02 * torch.sin(31 * x)
    photo = torch.where(hills, torch.stack([0.15 + 0.2 * x, 0.35 - 0.1 * x, 0.2 + 0.1 * y]), photo)
    stripes = 0.5 + 0.5 * torch.sin(60 * (x - 0.5) / (y - 0.4).clamp(min=0.1))
    field = torch.stack([0.7 - 0.2 * stripes, 0.6 - 0.1 * stripes, 0.2 + 0.1 * stripes])
    return torch.where(y > 0.78, field, photo).clamp(0, 1)


@pytest.mark.parametrize(("brush", "preset"), [*((brush, "fast") for brush in brushes()), ("oil", "balanced")])
def test_paint(measure: Callable[..., Any], benchmark: Any, brush: str, preset: str) -> None:
    photo = synthetic_photo()
    painting = measure(
        f"paint, 256², {STROKES} strokes",
        f"{brush}, {preset}",
        lambda: neuralpaint.paint(photo, brush, STROKES, preset, device="cpu"),
        STROKES,
        "strokes",
        once=True,
    )
    benchmark.extra_info["psnr"] = painting.psnr(photo, 256)
