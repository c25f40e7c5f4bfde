"""Resizing and area averages with deterministic gradients."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def area_pool(image: Tensor, size: tuple[int, int]) -> Tensor:
    """`torch.nn.functional.adaptive_avg_pool2d`, with a deterministic gradient on CUDA.

    If the sides are not multiples of each other, the averaged rectangles overlap, and the CUDA gradient of torch sums
    in a nondeterministic order. On CUDA, this uses two matrix products instead.

    Args:
        image: `[B, C, H, W]`, float32 or float64.
        size: (height, width) of the result, not larger than the image.

    Returns:
        `[B, C, height, width]`
    """
    if image.device.type != "cuda":
        return F.adaptive_avg_pool2d(image, size)
    rows, columns = (_means(side, count, image) for side, count in zip(image.shape[2:], size, strict=True))
    return rows @ image @ columns.T


def _means(side: int, count: int, like: Tensor) -> Tensor:
    """Matrix `[count, side]`; row i averages the entries from ⌊i·side/count⌋ to ⌈(i + 1)·side/count⌉."""
    # Created on the device, so that it can be captured in a CUDA graph.
    i = torch.arange(count, device=like.device)[:, None]
    j = torch.arange(side, device=like.device)
    first, end = i * side // count, ((i + 1) * side + count - 1) // count
    return ((j >= first) & (j < end)).to(like.dtype) / (end - first)


def box_blur(image: Tensor, radius: int, passes: int = 2) -> Tensor:
    """Averages `[..., H, W]` over (2·radius + 1)² pixels, `passes` times; at the border, over the pixels inside."""
    maps, side = image.reshape(1, -1, *image.shape[-2:]), 2 * radius + 1
    for _ in range(passes):  # the filter is separable: columns, then rows
        if maps.is_cuda:  # cumulative sums are not deterministic on CUDA
            maps = F.avg_pool2d(maps, (side, 1), 1, (radius, 0), count_include_pad=False)
            maps = F.avg_pool2d(maps, (1, side), 1, (0, radius), count_include_pad=False)
        else:
            maps = _window_mean(_window_mean(maps, radius, -2), radius, -1)
    return maps.reshape(image.shape)


def _window_mean(maps: Tensor, radius: int, dim: int) -> Tensor:
    """The mean over up to 2·radius + 1 neighbours along `dim`, in time independent of the radius."""
    length = maps.shape[dim]
    sums = F.pad(maps.double().cumsum(dim), (1, 0) if dim == -1 else (0, 0, 1, 0))
    index = torch.arange(length, device=maps.device)
    low, high = (index - radius).clamp(min=0), (index + radius + 1).clamp(max=length)
    count = (high - low).double()
    total = sums.index_select(dim, high) - sums.index_select(dim, low)
    return (total / (count if dim == -1 else count[:, None])).to(maps.dtype)


def resize(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Resizes `[3, H, W]` or `[B, 3, H, W]`: area averages if both sides shrink, otherwise bilinear."""
    import torch.nn.functional as F

    batch = image if image.ndim == 4 else image[None]
    if batch.shape[-2:] != (height, width):
        if height <= batch.shape[-2] and width <= batch.shape[-1]:
            batch = F.interpolate(batch, size=(height, width), mode="area")
        else:
            batch = F.interpolate(batch, size=(height, width), mode="bilinear", antialias=True, align_corners=False)
    return batch if image.ndim == 4 else batch[0]
