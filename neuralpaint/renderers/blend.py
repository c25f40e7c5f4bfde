"""Blending of tiles in the order of their strokes, with memory for one picture under each tile and no more."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def blend_tiles(canvas: Tensor, tile: Tensor, colors: Tensor, alphas: Tensor) -> Tensor:
    """h ← α·c + (1 − α)·h (SNP §3.1) over pairs of a stroke and a tile, earlier strokes first.

    Tiles that lie side by side do not wait for one another: the first stroke of every tile is blended at once, then the
    second of every tile, and so on.

    Args:
        canvas: `[N, 3, K]`, tiles of K pixels.
        tile: `[M]`, the tile of each pair, int64; pairs of one tile in the order of their strokes.
        colors: `[M, 3, K]`.
        alphas: `[M, K]`, in [0, 1].

    Returns:
        `[N, 3, K]`, new memory. Differentiable by canvas, colors and alphas.
    """
    return _Blend.apply(canvas, tile, colors, alphas)


def _layers(tile: Tensor) -> list[Tensor]:
    """Indices of pairs by their place in their tile's order."""
    if not len(tile):
        return []
    order = tile.argsort(stable=True)
    grouped = tile[order]
    place = torch.arange(len(tile), device=tile.device)
    first = torch.ones_like(grouped, dtype=torch.bool)
    first[1:] = grouped[1:] != grouped[:-1]
    rank = place - torch.where(first, place, 0).cummax(0).values
    layered = rank.argsort(stable=True)
    return list(order[layered].split(torch.bincount(rank).tolist()))


class _Blend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, canvas: Tensor, tile: Tensor, colors: Tensor, alphas: Tensor) -> Tensor:
        painted = canvas.clone()
        over = torch.empty_like(colors)  # c − h, which both gradients need
        for pairs in _layers(tile):
            place = tile[pairs]
            under = painted[place]
            difference = colors[pairs] - under
            over[pairs] = difference
            painted[place] = torch.addcmul(under, alphas[pairs, None], difference)
        ctx.save_for_backward(tile, over, alphas)
        return painted

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        tile, over, alphas = ctx.saved_tensors
        below = grads[0].clone()
        grad_colors, grad_alphas = torch.empty_like(over), torch.empty_like(alphas)
        for pairs in reversed(_layers(tile)):
            place = tile[pairs]
            above = below[place]
            grad_alphas[pairs] = (above * over[pairs]).sum(1)
            mine = above * alphas[pairs, None]
            grad_colors[pairs] = mine
            below[place] = above - mine
        return below, None, grad_colors, grad_alphas
