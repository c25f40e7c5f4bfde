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


def box_blur(image: Tensor, radius: int, passes: int = 2) -> Tensor:
    """`[..., H, W]` averaged over (2·radius + 1)² pixels, `passes` times; at the border, over what is there."""
    maps, side = image.reshape(1, -1, *image.shape[-2:]), 2 * radius + 1
    for _ in range(passes):  # along columns, then along rows: the window is a product of the two
        if maps.is_cuda:  # where cumulative sums are not deterministic
            maps = F.avg_pool2d(maps, (side, 1), 1, (radius, 0), count_include_pad=False)
            maps = F.avg_pool2d(maps, (1, side), 1, (0, radius), count_include_pad=False)
        else:
            maps = _window_mean(_window_mean(maps, radius, -2), radius, -1)
    return maps.reshape(image.shape)


def _window_mean(maps: Tensor, radius: int, dim: int) -> Tensor:
    """The mean over up to 2·radius + 1 neighbours along `dim`, in a time that does not depend on the radius."""
    length = maps.shape[dim]
    sums = F.pad(maps.double().cumsum(dim), (1, 0) if dim == -1 else (0, 0, 1, 0))
    places = torch.arange(length)
    low, high = (places - radius).clamp(min=0), (places + radius + 1).clamp(max=length)
    count = (high - low).double()
    total = sums.index_select(dim, high) - sums.index_select(dim, low)
    return (total / (count if dim == -1 else count[:, None])).to(maps.dtype)


def resize(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """`[3, H, W]` or `[B, 3, H, W]` to that many pixels: the mean over each new pixel's area, bilinear where it
    grows."""
    import torch.nn.functional as F

    batch = image if image.ndim == 4 else image[None]
    if batch.shape[-2:] != (height, width):
        if height <= batch.shape[-2] and width <= batch.shape[-1]:
            batch = F.interpolate(batch, size=(height, width), mode="area")
        else:
            batch = F.interpolate(batch, size=(height, width), mode="bilinear", antialias=True, align_corners=False)
    return batch if image.ndim == 4 else batch[0]
