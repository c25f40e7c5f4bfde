"""A photo at the small sizes that guides look at, in little memory."""

from __future__ import annotations

from torch import Tensor

from neuralpaint.images.resample import resize
from neuralpaint.images.streaming import shrink

_LONGEST = 2048  # pixels


def small_view(photo: Tensor, size: int) -> Tensor:
    """A photo `[3, H, W]`, float or uint8, with at most `size` pixels along its shorter side, float on the CPU."""
    height, width = photo.shape[1:]
    return reduced(photo, min(1.0, size / min(height, width), _LONGEST / max(height, width)))


def reduced(photo: Tensor, factor: float) -> Tensor:
    """A photo `[3, H, W]`, float or uint8, at `factor` ≤ 1 of its size, float on the CPU. A large photo is uint8, and
    is never float as a whole."""
    height, width = (max(1, round(side * factor)) for side in photo.shape[1:])
    if photo.is_floating_point():
        return resize(photo.cpu(), height, width)
    return shrink(photo.cpu(), height, width).float() / 255
