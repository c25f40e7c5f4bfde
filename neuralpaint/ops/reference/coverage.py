"""What the references of all brushes share: an antialiased interval, a rotation, a mix of two colours."""

from __future__ import annotations

import torch
from torch import Tensor


def overlap(distance: Tensor, half: Tensor, softness: float) -> Tensor:
    """Box filter of width `softness`, centred `distance` ≥ 0 from the middle of the interval [−half, half]."""
    upper = torch.minimum(distance + softness / 2, half)
    lower = torch.maximum(distance - softness / 2, -half)
    length = upper - lower
    return torch.where(length > 0, length, torch.zeros_like(length)) / softness


def rotate(dx: Tensor, dy: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """The vector (dx, dy), turned by `angle` radians."""
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return dx * cosine - dy * sine, dx * sine + dy * cosine


def mix(position: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """(1 − position)·first + position·last for position `[N, pixels]` and colours `[N, 3]`."""
    position = position[:, None]
    return (1 - position) * first[:, :, None] + position * last[:, :, None]
