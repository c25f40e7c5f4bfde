"""What a GPU computes beside what the CPU does."""

from __future__ import annotations

import torch
from torch import Tensor

SHARE, FURTHER = 0.1, 300


def assert_gradients_agree(ours: Tensor, theirs: Tensor, atol: float) -> None:
    """Gradients `[..., P]` of strokes, relative to each stroke's largest number where that is above 1.

    In float64 all must be within `atol`. Derivatives jump at the centres of texels and at kinks, and in float32
    rounding decides the side: there one stroke, and one in ten, may be up to 300 times further away.
    """
    scale = theirs.abs().amax(-1, keepdim=True).clamp(min=1)
    error = ((ours - theirs).abs() / scale).flatten(0, -2).amax(1)
    assert error.isfinite().all()
    if ours.dtype == torch.float32:
        ordered = error.sort().values
        allowed = 1 + int(SHARE * len(error))
        assert (ordered[:-allowed] <= atol).all(), f"more than {allowed} of {len(error)} strokes differ: {ordered}"
        atol *= FURTHER
    assert error.max() <= atol, f"a gradient differs by {error.max():.2g}, more than {atol:.2g}"
