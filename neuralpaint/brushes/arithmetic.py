"""Arithmetic of strokes whose gradient stays finite where a length or a denominator is zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """numerator / denominator of tensors of one shape, zero with zero gradient where the denominator is zero."""
    import torch

    safe = denominator != 0
    return torch.where(safe, numerator / torch.where(safe, denominator, torch.ones_like(denominator)), 0.0)


def norm(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean length of (x, y), tensors of one shape, with zero gradient at the origin."""
    import torch

    square = x * x + y * y
    safe = square > 0
    return torch.where(safe, torch.sqrt(torch.where(safe, square, torch.ones_like(square))), 0.0)
