"""Area averages whose gradient is the same bits every time, on any device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def area_pool(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Means over rectangles of pixels: what `torch.nn.functional.adaptive_avg_pool2d` computes.

    The rectangles overlap where the sides are no multiples of each other, and there torch's gradient on CUDA adds in
    whatever order its threads come. There, this takes two products with matrices instead.

    Args:
        image: `[B, C, H, W]`, float32 or float64.
        size: (height, width) of the result, not larger.

    Returns:
        `[B, C, height, width]`
    """
    if image.device.type != "cuda":
        return F.adaptive_avg_pool2d(image, size)
    rows, columns = (_means(side, count, image) for side, count in zip(image.shape[2:], size, strict=True))
    return rows @ image @ columns.T


def _means(side: int, count: int, like: Tensor) -> Tensor:
    """`[count, side]`: row i takes the mean of the numbers from ⌊i·side/count⌋ to ⌈(i + 1)·side/count⌉."""
    # Made on the device, so that a CUDA graph can hold it.
    i = torch.arange(count, device=like.device)[:, None]
    j = torch.arange(side, device=like.device)
    first, end = i * side // count, ((i + 1) * side + count - 1) // count
    return ((j >= first) & (j < end)).to(like.dtype) / (end - first)
