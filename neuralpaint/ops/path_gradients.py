"""Maps of gradients from their points, for `render_paths`."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_map(start: Tensor, end: Tensor) -> Tensor:
    """The map of a linear gradient, differentiable by its points.

    Args:
        start, end: `[..., 2]`, where the parameter is 0 and 1, in the units of the paths' points; not the same.

    Returns:
        `[..., 8]`, for `gradient_maps` of `render_paths`.
    """
    way = end - start
    row = way / way.square().sum(-1, keepdim=True)
    shift = -(row * start).sum(-1, keepdim=True)
    return torch.cat([row, shift, torch.zeros_like(row), torch.zeros_like(row), torch.zeros_like(shift)], -1)


def radial_map(center: Tensor, radius: Tensor, focus: Tensor | None = None) -> Tensor:
    """The map of a radial gradient, differentiable by its arguments.

    Args:
        center: `[..., 2]`, of the circle where the parameter is 1, in the units of the paths' points.
        radius: `[...]`, of that circle, above 0.
        focus: `[..., 2]`, the point within the circle where the parameter is 0; None: the centre.

    Returns:
        `[..., 8]`, for `gradient_maps` of `render_paths`.
    """
    scale = 1 / radius[..., None]
    none = torch.zeros_like(scale)
    shift = -center * scale
    aim = torch.zeros_like(center) if focus is None else (focus - center) * scale
    return torch.cat([scale, none, shift[..., :1], none, scale, shift[..., 1:], aim], -1)
