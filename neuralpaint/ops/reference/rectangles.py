"""Plain-torch truth for the brushes that are rectangles: tape, and oil with its texture."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuralpaint.brushes.arithmetic import ratio
from neuralpaint.ops.reference.coverage import mix, overlap, rotate


def _rectangle_frame(strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    xc = (strokes[:, 0:1] - origin[:, 0:1]) * scale
    yc = (strokes[:, 1:2] - origin[:, 1:2]) * scale
    return rotate(x - xc, y - yc, math.pi * strokes[:, 4:5])


def paint_tape(
    strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """A rectangle of one colour: coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres."""
    u, v = _rectangle_frame(strokes, x, y, origin, scale)
    coverage = overlap(u.abs(), strokes[:, 2:3] * scale / 4, softness)
    coverage = coverage * overlap(v.abs(), strokes[:, 3:4] * scale / 4, softness)
    return coverage, strokes[:, 5:8, None].expand(-1, -1, x.numel())


def paint_textured(
    strokes: Tensor, texture: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """A textured rectangle: coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres."""
    u, v = _rectangle_frame(strokes, x, y, origin, scale)
    half_u, half_v = strokes[:, 2:3] * scale / 2, strokes[:, 3:4] * scale / 2
    coverage = overlap(u.abs(), half_u, softness) * overlap(v.abs(), half_v, softness)
    position_u = ratio(u, 2 * half_u) + 0.5
    position_v = ratio(v, 2 * half_v) + 0.5
    tall = half_v > half_u
    along = torch.where(tall, position_v, position_u)
    across = torch.where(tall, position_u, position_v)
    with torch.no_grad():
        plane = (strokes[:, 2] * strokes[:, 3] <= 0.1).long()
        long_side = 2 * torch.maximum(half_u, half_v)[:, 0]
        short_side = 2 * torch.minimum(half_u, half_v)[:, 0]
    matte, ridge = sample_texture(texture, plane, along, across, long_side, short_side, softness)
    mixed = mix(position_v.clamp(0, 1), strokes[:, 5:8], strokes[:, 8:11])
    # Soft light: c·(1 − c) vanishes at black and white, so ridges never tint them.
    colour = mixed + (2 * ridge[:, None] - 1) * mixed * (1 - mixed)
    return coverage * matte, colour


def sample_texture(
    texture: Tensor,
    plane: Tensor,
    along: Tensor,
    across: Tensor,
    long_side: Tensor,
    short_side: Tensor,
    softness: float,
) -> tuple[Tensor, Tensor]:
    """Alpha and ridge `[N, pixels]` of the packed rip-map `texture`, bilinear between texel centres of one level."""
    height, width = texture.shape[1] // 2, texture.shape[2] // 2

    def level(texels: int, side: Tensor) -> Tensor:
        top = int(math.log2(texels))
        return torch.log2(texels * max(1.0, softness) / side).round().clamp(0, top).long()[:, None]

    with torch.no_grad():
        level_x, level_y = level(width, long_side), level(height, short_side)
        columns, rows = width >> level_x, height >> level_y
    x = torch.minimum((along * columns - 0.5).clamp(min=0), (columns - 1).to(along.dtype))
    y = torch.minimum((across * rows - 0.5).clamp(min=0), (rows - 1).to(along.dtype))
    with torch.no_grad():
        x0, y0 = x.floor(), y.floor()
        packed = texture.to(along.device).long()[
            plane[:, None], 2 * height - 2 * rows + y0.long(), 2 * width - 2 * columns + x0.long()
        ]
    fraction_x, fraction_y = x - x0, y - y0

    def bilinear(channel: int) -> Tensor:
        corner = [((packed[..., channel] >> shift) & 255).to(along.dtype) / 255 for shift in (0, 8, 16, 24)]
        top = corner[0] + fraction_x * (corner[1] - corner[0])
        bottom = corner[2] + fraction_x * (corner[3] - corner[2])
        return top + fraction_y * (bottom - top)

    return bilinear(0), bilinear(1)
