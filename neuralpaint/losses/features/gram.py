"""Gram matrices and image pyramids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neuralpaint.images.resample import area_pool


def gram(features: Tensor) -> Tensor:
    """Gram matrix: how strongly pairs of channels are active at the same positions, `[B, C, h, w]` → `[B, C, C]`.

    G = F·Fᵀ / (h·w), so it does not depend on the image size. Differentiable once.

    Reference: Gatys et al., "Image style transfer using convolutional neural networks", CVPR 2016, equation 3.
    """
    return _Gram.apply(features)


class _Gram(torch.autograd.Function):
    """G is symmetric, so its gradient is a single product, (dG + dGᵀ)·F; autograd would use two and a sum."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        # One pixel per row, which needs no copy if the features are channels-last.
        rows = features.permute(0, 2, 3, 1).flatten(1, 2)
        ctx.save_for_backward(rows)
        ctx.size = features.shape[2:]
        return torch.bmm(rows.transpose(1, 2), rows) / rows.shape[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        back = torch.bmm(rows, (gradient + gradient.transpose(1, 2)) / rows.shape[1])
        return back.unflatten(1, ctx.size).permute(0, 3, 1, 2)


def pyramid(image: Tensor, scales: Sequence[float], smallest: int = 1) -> list[tuple[float, Tensor]]:
    """Image pyramid as (scale, image): area averages of `[B, 3, H, W]` at about `[B, 3, H·s, W·s]`.

    Scales with a side below `smallest` pixels are omitted, except the largest one.
    """
    levels: list[tuple[float, Tensor]] = []
    for scale in sorted(scales, reverse=True):
        height, width = (max(1, round(side * scale)) for side in image.shape[2:])
        if levels and min(height, width) < smallest:
            break
        if (height, width) == tuple(image.shape[2:]):
            levels.append((scale, image))
        else:
            levels.append((scale, area_pool(image, (height, width))))
    return levels
