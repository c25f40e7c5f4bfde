"""Plain-torch truth for `projected_adam_`: any floating dtype, arguments unchecked."""

from __future__ import annotations

import torch
from torch import Tensor


def projected_adam_(
    parameters: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    age: Tensor,
    rate: Tensor,
    *,
    scale: Tensor,
    low: Tensor,
    high: Tensor,
    values: Tensor,
    points: Tensor,
    moves: Tensor | None = None,
    wraps: int | None = None,
    divisor: float = 1.0,
    betas: tuple[float, float] = (0.9, 0.95),
    epsilon: float = 1e-8,
) -> None:
    """Arguments as of `neuralpaint.ops.projected_adam_`."""
    first, second = betas
    age += 1
    correction = (1 - second**age).rsqrt()
    gradient = gradient * (scale / divisor)
    mean.lerp_(gradient, 1 - first)
    square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
    size = rate if moves is None else rate * moves
    parameters.sub_(mean.div(square.sqrt().mul_(correction).add_(epsilon)).mul_(size))
    moved = parameters * scale
    values.copy_(torch.clamp(moved, low, high))
    if wraps is not None:
        values[:, wraps] = moved[:, wraps].remainder(1.0)
    torch.div(values, scale, out=parameters)
    torch.mul(parameters, scale, out=points)
