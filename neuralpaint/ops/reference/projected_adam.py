"""Plain-torch truth for `projected_adam_`: any floating dtype, arguments unchecked."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuralpaint.ops.projected_adam import Pull


def pull_gradient(strokes: Tensor, pull: Pull) -> Tensor:
    """`[N, P]`: the derivatives by the strokes `[N, P]` of what a `Pull` adds to the loss."""
    start, end, size, _, _ = pull.turning
    x, y, sine, cosine, area = stroke_pose(strokes, pull)
    height, width = pull.field.shape[1:]
    column = (x * (width / pull.across)).long().clamp(0, width - 1)
    row = (y * (height / pull.down)).long().clamp(0, height - 1)
    field = pull.field[:, row, column]
    slope = pull.strength * area * (sine * field[0] - cosine * field[1])
    gradient = torch.zeros_like(strokes)
    if start < 0:
        gradient[:, end] = math.pi * slope
        return gradient
    chord = strokes[:, end : end + 2] - strokes[:, start : start + 2]
    # Both points turn about the middle. Of the angle, whose y points up, by the end's x and y: (dy, −dx) / |chord|².
    pushed = slope / chord.square().sum(1).clamp_min(1e-8)
    gradient[:, end : end + 2] = torch.stack([chord[:, 1] * pushed, -chord[:, 0] * pushed], 1)
    gradient[:, start : start + 2] = -gradient[:, end : end + 2]
    return gradient


def stroke_pose(strokes: Tensor, pull: Pull) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Of strokes `[N, P]`: x and y of their middle, in units; sine and cosine of twice the angle along which they run,
    counter-clockwise as seen; and about what area they cover, in units². `[N]` each."""
    start, end, size, sizes, factor = pull.turning
    sides = strokes[:, size : size + sizes]
    if start < 0:
        w, h = sides.unbind(1)
        # The longer side is the direction; a square has none.
        area, double = w * h * ((w - h) / (w + h).clamp_min(1e-6)), 2 * math.pi * strokes[:, end]
        return strokes[:, 0], strokes[:, 1], double.sin(), double.cos(), factor * area
    first, last = strokes[:, start : start + 2], strokes[:, end : end + 2]
    x, y = ((first + last) / 2).unbind(1)
    chord_x, chord_y = (last - first).unbind(1)
    square = chord_x.square() + chord_y.square()
    inverse = 1 / square.clamp_min(1e-8)
    sine, cosine = -2 * chord_x * chord_y * inverse, (chord_x.square() - chord_y.square()) * inverse
    return x, y, sine, cosine, factor * square.sqrt() * sides.mean(1)


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
    extra: Tensor | None = None,
    extra_factor: float = 1.0,
    pull: Pull | None = None,
    wraps: int | None = None,
    divisor: float = 1.0,
    betas: tuple[float, float] = (0.9, 0.95),
    epsilon: float = 1e-8,
) -> None:
    """Arguments as of `neuralpaint.ops.projected_adam_`."""
    first, second = betas
    age += 1
    correction = (1 - second**age).rsqrt()
    if extra is not None:
        gradient = gradient.clone()
        gradient[: len(extra)].add_(extra, alpha=extra_factor)
    if pull is not None:
        gradient = gradient + pull_gradient(points, pull)
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
