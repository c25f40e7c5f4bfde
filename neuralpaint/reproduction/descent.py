"""Moves strokes by plain gradient descent, so that two losses can be compared from the same start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.losses import TransportLoss

RATE = 0.01  # of RMSprop, as in the block-wise search
LOW, HIGH = 0.1, 0.9  # shapes are kept between these, as in the block-wise search


class Descended(NamedTuple):
    """The strokes `[T, P]` before each step and after the last, and the mean absolute error of each."""

    strokes: list[Tensor]
    errors: list[float]


def draw(strokes: Tensor, brush: Brush, size: int, ground: tuple[float, float, float]) -> Tensor:
    """Strokes `[T, P]` on a uniform ground: `[3, size, size]`."""
    canvas = torch.tensor(ground, dtype=torch.float32, device=strokes.device).view(1, 3, 1, 1)
    return ops.render(canvas.expand(1, 3, size, size).contiguous(), strokes[None], brush)[0]


def descend(
    start: Tensor,
    target: Tensor,
    brush: Brush,
    *,
    ground: tuple[float, float, float],
    transport: float,
    mass: Literal["light", "dark"],
    steps: int,
    fixed: slice,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Descended:
    """Gradient steps on L1 + transport · (transport loss).

    Args:
        start: `[T, P]`.
        target: `[3, S, S]`.
        mass: of the transport loss: what stands out from the ground.
        fixed: the parameters that stay as they are.
        report: called with the steps done and their number.
    """
    distance = TransportLoss(mass=mass)
    moved = start.clone().requires_grad_()
    optimizer = torch.optim.RMSprop([moved], lr=RATE)
    found = Descended([], [])
    for step in range(steps + 1):
        picture = draw(moved, brush, target.shape[1], ground)
        loss = pixel = (picture - target).abs().mean()
        if transport:
            loss = loss + transport * distance(picture[None], target[None])
        found.strokes.append(moved.detach().clone())
        found.errors.append(float(pixel.detach()))
        report(step, steps)
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                moved[:, brush.shape].clamp_(LOW, HIGH)
                moved[:, brush.shape.stop :].clamp_(0, 1)
                moved[:, fixed] = start[:, fixed]
    return found
