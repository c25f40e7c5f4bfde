"""Image similarity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    """Peak signal-to-noise ratio in dB of two images of the same shape, values in [0, 1]; inf if they are equal."""
    error = (a.double() - b.double()).square().mean().item()
    return math.inf if error == 0 else -10.0 * math.log10(error)
