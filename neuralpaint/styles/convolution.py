"""Convolutions whose shape PyTorch's own do not make use of."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK = (2, 4)  # (height, width) in pixels of the blocks of `by_blocks`


def doubled(x: Tensor, weight: Tensor) -> Tensor:
    """Convolution of `x`, padded by one pixel, after nearest-neighbour ×2 upsampling, without upsampling explicitly."""
    folded = fold(weight)
    if weight.shape[2] > 3:
        return F.pixel_shuffle(F.conv2d(x, folded), 2)
    # A 3×3 filter at one of the four copies of a pixel sees only 2×2 distinct pixels: 16 products instead of 36.
    batch, (height, width), outputs = len(x), (side - 2 for side in x.shape[2:]), len(weight)
    phases = folded.unflatten(0, (outputs, 2, 2))
    few = [phases[:, p, q, :, p : p + 2, q : q + 2] for p in (0, 1) for q in (0, 1)]
    found = F.conv2d(x, torch.cat(few)).unflatten(1, (4, outputs))
    # In the order of the input: the four copies are then written in runs of channels.
    order = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    result = torch.empty(batch, outputs, 2 * height, 2 * width, dtype=x.dtype, device=x.device, memory_format=order)
    for k in range(4):
        p, q = divmod(k, 2)
        result[:, :, p::2, q::2] = found[:, k, :, p : p + height, q : q + width]
    return result


def fold(weight: Tensor) -> Tensor:
    """Converts filters for a nearest-neighbour ×2 upsampled input to filters for the input before upsampling.

    Many of the k×k upsampled pixels under a filter are equal: for k = 3 or 5, at most 3×3 are distinct. So each of the
    four output pixels per input pixel is the output of a 3×3 filter. `[O, C, k, k]` → `[4·O, C, 3, 3]`, in the order of
    `pixel_shuffle`.
    """
    side = weight.shape[2]
    # sums[p, i, j] is 1 where tap j of the filter at an output pixel of phase p sees input pixel i - 1.
    taps = torch.arange(side, device="cpu") - side // 2
    sums = torch.stack([F.one_hot((phase + taps).div(2, rounding_mode="floor") + 1, 3).T for phase in (0, 1)])
    sums = sums.to(weight)
    folded = torch.einsum("pij,qkl,ocjl->opqcik", sums, sums, weight)
    return folded.reshape(-1, weight.shape[1], 3, 3)


def by_blocks(x: Tensor, weight: Tensor) -> Tensor:
    """A convolution with few output channels, computed for blocks of 2×4 pixels at a time if the size allows it.

    With three output channels, most vector lanes are idle. A block of 2×4 pixels has 24 outputs, with the 9×9 filters
    zero-padded to 10×12: about 1.5 times as many products, but a third of the time.
    """
    down, across = _BLOCK
    outputs, channels, side, _ = weight.shape
    if (x.shape[2] - side + 1) % down or (x.shape[3] - side + 1) % across:
        return F.conv2d(x, weight)
    wide = weight.new_zeros(outputs, down, across, channels, side + down - 1, side + across - 1)
    for p in range(down):
        for q in range(across):
            wide[:, p, q, :, p : p + side, q : q + side] = weight
    found = F.conv2d(x, wide.flatten(0, 2), stride=_BLOCK)
    found = found.unflatten(1, (outputs, down, across))  # [B, O, 2, 4, H/2, W/4]
    return found.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)
