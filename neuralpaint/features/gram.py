"""Gram matrices, and the pyramid that features are taken on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def gram(features: Tensor) -> Tensor:
    """How often two channels are active at the same place, whatever the place: `[B, C, h, w]` → `[B, C, C]`.

    G = F·Fᵀ / (h·w), so that it does not depend on the picture's size.

    Reference: Gatys et al., "Image style transfer using convolutional neural networks", CVPR 2016, equation 3.
    """
    rows = features.flatten(2)
    return torch.baddbmm(rows.new_zeros(()), rows, rows.transpose(1, 2), beta=0, alpha=1 / rows.shape[2])


def pyramid(image: Tensor, scales: Sequence[float], smallest: int = 1) -> list[tuple[float, Tensor]]:
    """A picture at several scales, with their factors: `[B, 3, H, W]` → `[B, 3, ⌈H·s⌉, ⌈W·s⌉]`, pixels averaged.

    Scales at which a side would be below `smallest` pixels are left out, but the largest one never is.
    """
    levels = []
    for scale in sorted(scales, reverse=True):
        height, width = (max(1, round(side * scale)) for side in image.shape[2:])
        if levels and min(height, width) < smallest:
            break
        if (height, width) == tuple(image.shape[2:]):
            levels.append((scale, image))
        else:
            levels.append((scale, F.interpolate(image, size=(height, width), mode="area")))
    return levels
