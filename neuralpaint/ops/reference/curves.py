"""Plain-torch truth for the brushes that follow a Bézier curve: watercolor, marker and the textured ribbon.

A point on such a brush is found in two steps. Without gradients, the best parameter t* is bracketed by dense sampling
and then bisected to the last bit. With gradients, Newton steps from t* (which leave its value unchanged) attach the
first and second derivative that the implicit function theorem gives it. Third ones are not right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neuralpaint.brushes.arithmetic import norm, ratio
from neuralpaint.ops.reference.coverage import mix, overlap
from neuralpaint.ops.reference.rectangles import sample_texture

SAMPLES = 257  # parameter values tried per pixel before bisection
_CANDIDATES = (
    4  # local optima refined per pixel: distances to a curve have several, and sampling alone may misrank them
)
_BISECTIONS = 54  # halves a bracket of 2/256 below the resolution of float64


class Curve(NamedTuple):
    """B(t) = b0 + b1·t + b2·t² in pixels, and the chord P2 − P0; every field broadcasts against `[N, pixels]`."""

    x0: Tensor
    x1: Tensor
    x2: Tensor
    y0: Tensor
    y1: Tensor
    y2: Tensor
    chord_x: Tensor
    chord_y: Tensor

    def detach(self) -> Curve:
        return Curve(*(field.detach() for field in self))

    def unsqueeze(self) -> Curve:
        return Curve(*(field[..., None] for field in self))

    def point(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.x0 + t * (self.x1 + t * self.x2), self.y0 + t * (self.y1 + t * self.y2)

    def velocity(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.x1 + 2 * t * self.x2, self.y1 + 2 * t * self.y2


def curve_of(strokes: Tensor, origin: Tensor, scale: float) -> Curve:
    """The curves of strokes `[N, P]`, in pixels from `origin` `[N, 2]`, which is in units."""

    def polynomial(start: Tensor, control: Tensor, end: Tensor, corner: Tensor) -> tuple[Tensor, ...]:
        # The control point is given as a fraction of the way from start to end, along each axis.
        chord = (end - start) * scale
        reach = chord * control
        return (start - corner) * scale, 2 * reach, chord - 2 * reach, chord

    x0, y0, x1, y1, x2, y2 = strokes[:, :6].split(1, dim=1)
    bx = polynomial(x0, x1, x2, origin[:, 0:1])
    by = polynomial(y0, y1, y2, origin[:, 1:2])
    return Curve(bx[0], bx[1], bx[2], by[0], by[1], by[2], bx[3], by[3])


def _bisect(function: Callable[[Tensor], Tensor], low: Tensor, high: Tensor) -> Tensor:
    """A root of `function` between low and high if its signs differ there; some point between them if not."""
    positive = function(low) > 0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        same = (function(middle) > 0) == positive
        low, high = torch.where(same, middle, low), torch.where(same, high, middle)
    return (low + high) / 2


def _brackets(values: Tensor) -> tuple[Tensor, Tensor]:
    """Parameter intervals `[..., K]` around the best local minima of `values` sampled along the last dimension."""
    last = values.shape[-1] - 1
    edge = torch.full_like(values[..., :1], math.inf)
    padded = torch.cat([edge, values, edge], -1)
    local = (values <= padded[..., :-2]) & (values <= padded[..., 2:])
    best = torch.where(local, values, math.inf).topk(min(_CANDIDATES, last + 1), dim=-1, largest=False).indices
    to_parameter = torch.arange(last + 1, dtype=values.dtype, device=values.device) / last
    return to_parameter[(best - 1).clamp(min=0)], to_parameter[(best + 1).clamp(max=last)]


def _parameters(like: Tensor) -> Tensor:
    return torch.linspace(0, 1, SAMPLES, dtype=like.dtype, device=like.device)


def _attached(t: Tensor, equation: Callable[[Tensor], tuple[Tensor, Tensor]], interior: Tensor) -> Tensor:
    """t with its derivatives as a root of an equation attached where `interior`; its value stays t up to rounding.

    `equation` gives the residual and its slope by t. A Newton step from a root has the root's first derivative, another
    step from there its second one.
    """
    for _ in range(2):
        residual, slope = equation(t)
        usable = interior & (slope != 0)
        step = (residual - residual.detach()) / torch.where(usable, slope, torch.ones_like(slope)).detach()
        t = t - torch.where(usable, step, torch.zeros_like(step))
    return t


# -- watercolor: a disc --


def paint_watercolor(
    strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """A disc along a curve: coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres."""
    curve = curve_of(strokes, origin, scale)
    start_radius = strokes[:, 6:7] * scale / 4
    growth = (strokes[:, 7:8] - strokes[:, 6:7]) * scale / 4
    with torch.no_grad():
        t, interior = _nearest_disc(curve, start_radius, growth, x, y)
    t = _attached(t, lambda t: _disc_stationarity(curve, growth, x, y, t), interior)
    point_x, point_y = curve.point(t)
    distance = norm(x - point_x, y - point_y)
    coverage = overlap(distance, start_radius + t * growth, softness)
    return coverage, mix(t, strokes[:, 8:11], strokes[:, 11:14])


def _disc_stationarity(curve: Curve, growth: Tensor, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """|q| times the derivative of r(t) − |q(t)|, and the slope of that product where it is zero.

    The factor |q| removes the kink of the distance on the curve itself.
    """
    point_x, point_y = curve.point(t)
    qx, qy = x - point_x, y - point_y
    dx, dy = curve.velocity(t)
    residual = growth * norm(qx, qy) + qx * dx + qy * dy
    slope = growth * growth + 2 * (qx * curve.x2 + qy * curve.y2) - dx * dx - dy * dy
    return residual, slope


def _nearest_disc(curve: Curve, start_radius: Tensor, growth: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """t* = argmax over [0, 1] of r(t) − |q(t)|, and whether it is a stationary point rather than an end."""
    curve, start_radius, growth = curve.unsqueeze(), start_radius[..., None], growth[..., None]
    x, y = x[None, :, None], y[None, :, None]

    def outside(t: Tensor) -> Tensor:
        point_x, point_y = curve.point(t)
        return torch.hypot(x - point_x, y - point_y) - start_radius - t * growth

    def residual(t: Tensor) -> Tensor:
        return _disc_stationarity(curve, growth, x, y, t)[0]

    low, high = _brackets(outside(_parameters(x)))
    root = _bisect(residual, low, high)
    stationary = (residual(low) > 0) & (residual(high) <= 0)
    zero = torch.zeros_like(root)
    candidates = torch.cat([root, zero[..., :1], zero[..., :1] + 1], -1)
    stationary = torch.cat([stationary, torch.zeros_like(stationary[..., :2])], -1)
    best = outside(candidates).argmin(-1, keepdim=True)
    return candidates.gather(-1, best)[..., 0], stationary.gather(-1, best)[..., 0]


# -- marker: a square --


def paint_marker(
    strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """A square along a curve: coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres."""
    curve = curve_of(strokes, origin, scale)
    with torch.no_grad():
        t, kink = _nearest_square(curve, x, y)
    along, across, _, _ = _square_frame(curve, x, y, t)
    # On a kink |q·T| = |q·N| the optimum follows the crossing; at a smooth minimum a slope is zero, and how t* moves
    # matters to second derivatives alone (envelope theorem).
    sign, further = torch.sign(along * across).detach(), along.abs() >= across.abs()

    def crossing(t: Tensor) -> tuple[Tensor, Tensor]:
        along, across, along_slope, across_slope = _square_frame(curve, x, y, t)
        return along - sign * across, along_slope - sign * across_slope

    def slope(t: Tensor) -> Tensor:
        return torch.where(further, *_square_frame(curve, x, y, t)[2:])

    def stationary(t: Tensor) -> tuple[Tensor, Tensor]:
        return slope(t), torch.func.vjp(slope, t.detach())[1](torch.ones_like(t))[0]

    t = _attached(t, crossing, kink)
    t = _attached(t, stationary, ~kink & (t > 1e-9) & (t < 1 - 1e-9))
    along, across, _, _ = _square_frame(curve, x, y, t)
    # On a kink both are the distance; taking one keeps the derivative from being split between them.
    distance = torch.where(kink | (along.abs() >= across.abs()), along.abs(), across.abs())
    coverage = overlap(distance, strokes[:, 6:7] * scale / 4, softness)
    return coverage, strokes[:, 8:11, None].expand(-1, -1, x.numel())


def _square_frame(curve: Curve, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """q·T and q·N, and their derivatives by t."""
    point_x, point_y = curve.point(t)
    qx, qy = x - point_x, y - point_y
    dx, dy = curve.velocity(t)
    # A little of the chord, and then of the x axis, gives the frame a direction where the curve has none.
    vx, vy = dx + 1e-6 * curve.chord_x + 1e-9, dy + 1e-6 * curve.chord_y
    length = norm(vx, vy)
    tx, ty = ratio(vx, length), ratio(vy, length)
    along, across = qx * tx + qy * ty, qy * tx - qx * ty
    turning = ratio(2 * (curve.y2 * tx - curve.x2 * ty), length)
    along_slope = turning * across - (dx * tx + dy * ty)
    across_slope = -turning * along - (dy * tx - dx * ty)
    return along, across, along_slope, across_slope


def _nearest_square(curve: Curve, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """t* = argmin over [0, 1] of max(|q·T|, |q·N|), and whether it is a kink |q·T| = |q·N|.

    The minimum in a bracket is an end of it, a crossing q·T = ±q·N, or a zero of either one's slope: all are tried.
    """
    curve, x, y = curve.unsqueeze(), x[None, :, None], y[None, :, None]

    def frame(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return _square_frame(curve, x, y, t)

    def distance(t: Tensor) -> Tensor:
        along, across, _, _ = frame(t)
        return torch.maximum(along.abs(), across.abs())

    low, high = _brackets(distance(_parameters(x)))
    roots = (
        lambda t: (lambda f: f[0] - f[1])(frame(t)),
        lambda t: (lambda f: f[0] + f[1])(frame(t)),
        lambda t: frame(t)[2],
        lambda t: frame(t)[3],
    )
    candidates, crossing = [low, high], [torch.zeros_like(low, dtype=torch.bool)] * 2
    for index, function in enumerate(roots):
        candidates.append(_bisect(function, low, high))
        crosses = (function(low) > 0) != (function(high) > 0)
        crossing.append(crosses if index < 2 else torch.zeros_like(crosses))
    stacked, kinks = torch.cat(candidates, -1), torch.cat(crossing, -1)
    best = distance(stacked).argmin(-1, keepdim=True)
    return stacked.gather(-1, best)[..., 0], kinks.gather(-1, best)[..., 0]


# -- ribbon: a bar that carries a texture --


def paint_ribbon(
    strokes: Tensor, texture: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """A textured bar along a curve: coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres."""
    curve = curve_of(strokes, origin, scale)
    still = torch.zeros_like(curve.x0)
    with torch.no_grad():
        t, interior = _nearest_disc(curve, still, still, x, y)
    t = _attached(t, lambda t: _disc_stationarity(curve, still, x, y, t), interior)
    beyond, across, _, _ = _square_frame(curve, x, y, t)
    # At an end where the curve stands still, all points have a stationary point.
    between = interior & (t > 1e-9) & (t < 1 - 1e-9)
    beyond = torch.where(between, torch.zeros_like(beyond), beyond)
    # Coverage between the ends. Near one, where alone it counts, the way to it along the curve is the straight one.
    point_x, point_y = curve.point(t)
    from_start = norm(point_x - curve.x0, point_y - curve.y0) + beyond
    to_end = norm(curve.x0 + curve.chord_x - point_x, curve.y0 + curve.chord_y - point_y) - beyond
    ends = [(distance / softness + 0.5).clamp(0, 1) for distance in (from_start, to_end)]
    half = strokes[:, 6:7] * scale / 4
    coverage = (ends[0] + ends[1] - 1).clamp(min=0) * overlap(across.abs(), half, softness)
    # The length along the curve by Simpson's rule: as if the speed were the parabola through three of its values.
    first, last = norm(curve.x1, curve.y1), norm(2 * curve.chord_x - curve.x1, 2 * curve.chord_y - curve.y1)
    middle = norm(curve.chord_x, curve.chord_y)
    length = (first + 4 * middle + last) / 6
    way = t * (first + t * ((4 * middle - 3 * first - last) / 2 + t * 2 * (first - 2 * middle + last) / 3))
    position = ratio(across, 2 * half) + 0.5
    with torch.no_grad():
        plane = (length * 2 * half / scale**2 <= 0.1)[:, 0].long()
        long_side, short_side = (side[:, 0].clamp(min=1e-6) for side in (length, 2 * half))
    matte, ridge = sample_texture(texture, plane, ratio(way, length), position, long_side, short_side, softness)
    mixed = mix(position.clamp(0, 1), strokes[:, 7:10], strokes[:, 10:13])
    return coverage * matte, mixed + (2 * ridge[:, None] - 1) * mixed * (1 - mixed)
