"""Plain-torch truth for the gradients of `render_paths`."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.ops.path_layout import GRADIENTS, SPREADS


def _parameter(kind: str, x: Tensor, y: Tensor, numbers: Tensor) -> Tensor:
    u = numbers[0] * x + numbers[1] * y + numbers[2]
    if kind == "linear":
        return u
    v = numbers[3] * x + numbers[4] * y + numbers[5]
    fx, fy = numbers[6], numbers[7]
    dx, dy = u - fx, v - fy
    room = (1 - fx**2 - fy**2).clamp(min=1e-4)
    along = fx * dx + fy * dy
    inside = along**2 + room * (dx**2 + dy**2)
    root = torch.where(inside > 0, inside.clamp(min=1e-300).sqrt(), 0.0)
    return (along + root) / room


def gradient_colors(style: list[int], stops: Tensor, numbers: Tensor, height: int, width: int) -> Tensor:
    """RGB and opacity `[4, H, W]` at the pixels' centres.

    Args:
        style: indices of kind and spread.
        stops: `[K, 5]`, offset and RGBA.
        numbers: `[8]`, the map from pixels and the focus.
        height, width: of the picture.
    """
    y, x = torch.meshgrid(
        torch.arange(height, dtype=stops.dtype) + 0.5, torch.arange(width, dtype=stops.dtype) + 0.5, indexing="ij"
    )
    t = _parameter(GRADIENTS[style[0]], x, y, numbers)
    if SPREADS[style[1]] == "repeat":
        t = t - t.detach().floor()
    elif SPREADS[style[1]] == "reflect":
        t = t - 2 * (t.detach() / 2).floor()
        t = torch.where(t > 1, 2 - t, t)
    offsets = stops[:, 0].cummax(0).values
    colors = stops[0, 1:, None, None].expand(4, height, width)
    for k in range(1, len(stops)):
        low, high = offsets[k - 1], offsets[k]
        if high > low:
            share = ((t - low) / (high - low))[None]
            mixed = stops[k - 1, 1:, None, None] * (1 - share) + stops[k, 1:, None, None] * share
            colors = torch.where((t >= low) & (t < high), mixed, colors)
        colors = torch.where(t >= high, stops[k, 1:, None, None], colors)
    return colors
