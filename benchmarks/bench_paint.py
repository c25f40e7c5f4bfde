"""A whole painting of a synthetic photo, 256² pixels: from the photo to the strokes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import neuralpaint
from neuralpaint.brushes import brush_kinds
from neuralpaint.roofline.cases import synthetic_photo

OTHERS = [brush for brush in brush_kinds() if brush != "oil"]
CASES = [
    ("oil", "fast", 100),
    ("tape", "fast", 100),
    ("oil", "balanced", 500),
    *(
        pytest.param(*case, marks=pytest.mark.full)
        for case in [
            *(("watercolor", "fast", 100), ("marker", "fast", 100), ("pixel", "fast", 100), ("oil", "fast", 500)),
            *((brush, "balanced", 500) for brush in OTHERS),
            *(("oil", preset, count) for preset, count in (("best", 500), ("paper", 100), ("balanced", 2000))),
        ]
    ),
]


@pytest.mark.parametrize(("brush", "preset", "strokes"), CASES)
def test_paint(
    measure: Callable[..., Any], benchmark: Any, device: torch.device, brush: str, preset: str, strokes: int
) -> None:
    photo = synthetic_photo().to(device)
    neuralpaint.paint(photo, brush, 2, "fast", device=device)  # what a process does once
    painting = measure(
        f"paint, 256², {strokes} strokes",
        f"{brush}, {preset}",
        lambda: neuralpaint.paint(photo, brush, strokes, preset, device=device),
        strokes,
        "strokes",
        once=True,
    )
    benchmark.extra_info["psnr"] = painting.psnr(photo.cpu(), 256)
