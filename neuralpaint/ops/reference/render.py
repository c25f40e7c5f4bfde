"""Plain-torch truth for `rasterize` and `render`: slow, readable, any floating dtype, differentiable by autograd.

The kernels are tested against these functions in float64. Shapes, units and brush parameters are those of
`neuralpaint.ops.rasterize` and `neuralpaint.ops.render`; nothing here checks its arguments.

A point on a Bézier brush is found in two steps. Without gradients, the best parameter t* is bracketed by dense sampling
and then bisected to the last bit. With gradients, Newton steps from t* (which leave its value unchanged) attach the
first and second derivative that the implicit function theorem gives it. Third ones are not right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from neuralpaint.brushes.arithmetic import norm, ratio

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush

OIL, WATERCOLOR, MARKER, TAPE = range(4)
RIBBON = 5

FARTHEST = 2.0**26  # pixels

_SAMPLES = 257  # parameter values tried per pixel before bisection
_CANDIDATES = (
    4  # local optima refined per pixel: distances to a curve have several, and sampling alone may misrank them
)
_BISECTIONS = 54  # halves a bracket of 2/256 below the resolution of float64
_CHUNK = 1 << 22  # pixel-samples held in memory at once


def rasterize(
    strokes: Tensor,
    brush: Brush | str,
    height: int,
    width: int,
    softness: float = 1.0,
    origin: Tensor | None = None,
    pixels_per_unit: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw each stroke on its own canvas.

    Args:
        strokes: `[N, P]`.
        brush: a `Brush` or its name.
        height, width: canvas size in pixels.
        softness: width in pixels of the box filter that antialiases an edge.
        origin: `[N, 2]` or `[2]`, (x, y) in units of each canvas's top-left corner; zero by default.
        pixels_per_unit: `min(height, width)` by default.

    Returns:
        foreground `[N, 3, height, width]` and alpha `[N, 1, height, width]`, in the dtype of `strokes`.
    """
    brush = _resolve(brush)
    scale = float(min(height, width) if pixels_per_unit is None else pixels_per_unit)
    count = strokes.shape[0]
    pixels = height * width
    if origin is None:
        origin = strokes.new_zeros(2)
    origin = torch.as_tensor(origin, dtype=strokes.dtype, device=strokes.device).expand(count, 2)
    strokes = limited(strokes, brush, scale)

    x = torch.arange(width, dtype=strokes.dtype, device=strokes.device) + 0.5
    y = torch.arange(height, dtype=strokes.dtype, device=strokes.device) + 0.5
    x, y = x.repeat(height), y.repeat_interleave(width)

    foregrounds, alphas = [strokes.new_zeros(0, 3, pixels)], [strokes.new_zeros(0, 1, pixels)]
    chunk = max(1, _CHUNK // max(1, pixels * _SAMPLES))
    for start in range(0, count if pixels else 0, chunk):
        part, corner = strokes[start : start + chunk], origin[start : start + chunk]
        coverage, colour = _paint(part, brush, x, y, corner, scale, float(softness))
        foregrounds.append(torch.where((coverage > 0)[:, None], colour, torch.zeros_like(colour)))
        alphas.append((coverage * part[:, -1:])[:, None])
    if not pixels:
        return strokes.new_zeros(count, 3, height, width), strokes.new_zeros(count, 1, height, width)
    return (
        torch.cat(foregrounds).reshape(count, 3, height, width),
        torch.cat(alphas).reshape(count, 1, height, width),
    )


def render(
    canvas: Tensor,
    strokes: Tensor,
    brush: Brush | str,
    softness: float = 1.0,
    origin: Tensor | None = None,
    pixels_per_unit: float | None = None,
) -> Tensor:
    """Paint strokes `[B, T, P]` in order onto canvases `[B, 3, H, W]`: h ← α·c + (1 − α)·h."""
    height, width = canvas.shape[-2:]
    for index in range(strokes.shape[1]):
        foreground, alpha = rasterize(strokes[:, index], brush, height, width, softness, origin, pixels_per_unit)
        canvas = alpha * foreground + (1 - alpha) * canvas
    return canvas


def limited(strokes: Tensor, brush: Brush, scale: float) -> Tensor:
    """Strokes `[N, P]` as their numbers count (csrc/common/brush.h): up to a limit far outside of any picture."""
    limits = torch.finfo(strokes.dtype)
    far = min(FARTHEST / max(scale, limits.tiny), limits.max / 4)
    ranges = {"theta": (-(2.0**16), 2.0**16), "x1": (-16.0, 16.0), "y1": (-16.0, 16.0), "a": (0.0, 2.0)}
    colours = dict.fromkeys(brush.parameters[brush.shape.stop :], (-(2.0**13), 2.0**13))
    low, high = zip(*((colours | ranges).get(name, (-far, far)) for name in brush.parameters), strict=True)
    return strokes.clamp(strokes.new_tensor(low), strokes.new_tensor(high))


def supersampled_coverage(
    strokes: Tensor, brush: Brush | str, height: int, width: int, samples: int = 16, steps: int = 2048
) -> Tensor:
    """Fraction of each pixel inside the stroke's shape, by testing `samples`² points a pixel for membership.

    Knows nothing of the antialiasing formula: a rectangle is two inequalities, a Bézier brush the union of its discs or
    squares at `steps` parameter values. A textured brush counts as its bare rectangle. Returns `[N, height, width]`.
    """
    brush = _resolve(brush)
    scale = float(min(height, width))
    x = (torch.arange(width * samples, dtype=torch.float64) + 0.5) / samples
    y = (torch.arange(height * samples, dtype=torch.float64) + 0.5) / samples
    x, y = x.repeat(height * samples), y.repeat_interleave(width * samples)
    masks = []
    for stroke in strokes.detach().double():
        if brush.kind in (OIL, TAPE):
            divisor = 2.0 if brush.kind == OIL else 4.0
            xc, yc, w, h, p = stroke[:5].tolist()
            along, across = _rotate(x - xc * scale, y - yc * scale, torch.tensor(math.pi * p, dtype=torch.float64))
            inside = (along.abs() <= w * scale / divisor) & (across.abs() <= h * scale / divisor)
        else:
            inside = _swept_membership(stroke, brush.kind, x, y, scale, steps)
        masks.append(inside.reshape(height, samples, width, samples).double().mean((1, 3)))
    return torch.stack(masks) if masks else torch.zeros(0, height, width, dtype=torch.float64)


def _resolve(brush: Brush | str) -> Brush:
    if not isinstance(brush, str):
        return brush
    from neuralpaint.brushes import get_brush

    return get_brush(brush)


# ---- shared maths ----------------------------------------------------------------------------------------------------


def _overlap(distance: Tensor, half: Tensor, softness: float) -> Tensor:
    """Box filter of width `softness`, centred `distance` ≥ 0 from the middle of the interval [−half, half]."""
    upper = torch.minimum(distance + softness / 2, half)
    lower = torch.maximum(distance - softness / 2, -half)
    length = upper - lower
    return torch.where(length > 0, length, torch.zeros_like(length)) / softness


def _rotate(dx: Tensor, dy: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return dx * cosine - dy * sine, dx * sine + dy * cosine


def _paint(
    strokes: Tensor, brush: Brush, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """Coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres (x, y)."""
    if brush.kind == TAPE:
        return _paint_tape(strokes, x, y, origin, scale, softness)
    if brush.kind == OIL:
        return _paint_textured(strokes, brush.texture, x, y, origin, scale, softness)
    if brush.kind == WATERCOLOR:
        return _paint_watercolor(strokes, x, y, origin, scale, softness)
    if brush.kind == MARKER:
        return _paint_marker(strokes, x, y, origin, scale, softness)
    if brush.kind == RIBBON:
        return _paint_ribbon(strokes, brush.texture, x, y, origin, scale, softness)
    return brush.paint(strokes, x, y, origin, scale, softness)


def _mix(position: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """(1 − position)·first + position·last for position `[N, pixels]` and colours `[N, 3]`."""
    position = position[:, None]
    return (1 - position) * first[:, :, None] + position * last[:, :, None]


# ---- rectangles ------------------------------------------------------------------------------------------------------


def _rectangle_frame(strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    xc = (strokes[:, 0:1] - origin[:, 0:1]) * scale
    yc = (strokes[:, 1:2] - origin[:, 1:2]) * scale
    return _rotate(x - xc, y - yc, math.pi * strokes[:, 4:5])


def _paint_tape(
    strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    u, v = _rectangle_frame(strokes, x, y, origin, scale)
    coverage = _overlap(u.abs(), strokes[:, 2:3] * scale / 4, softness)
    coverage = coverage * _overlap(v.abs(), strokes[:, 3:4] * scale / 4, softness)
    return coverage, strokes[:, 5:8, None].expand(-1, -1, x.numel())


def _paint_textured(
    strokes: Tensor, texture: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    u, v = _rectangle_frame(strokes, x, y, origin, scale)
    half_u, half_v = strokes[:, 2:3] * scale / 2, strokes[:, 3:4] * scale / 2
    coverage = _overlap(u.abs(), half_u, softness) * _overlap(v.abs(), half_v, softness)
    position_u = ratio(u, 2 * half_u) + 0.5
    position_v = ratio(v, 2 * half_v) + 0.5
    tall = half_v > half_u
    along = torch.where(tall, position_v, position_u)
    across = torch.where(tall, position_u, position_v)
    with torch.no_grad():
        plane = (strokes[:, 2] * strokes[:, 3] <= 0.1).long()
        long_side = 2 * torch.maximum(half_u, half_v)[:, 0]
        short_side = 2 * torch.minimum(half_u, half_v)[:, 0]
    matte, ridge = _sample_texture(texture, plane, along, across, long_side, short_side, softness)
    mixed = _mix(position_v.clamp(0, 1), strokes[:, 5:8], strokes[:, 8:11])
    # Soft light: c·(1 − c) vanishes at black and white, so ridges never tint them.
    colour = mixed + (2 * ridge[:, None] - 1) * mixed * (1 - mixed)
    return coverage * matte, colour


def _sample_texture(
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


# ---- Bézier brushes --------------------------------------------------------------------------------------------------


class _Curve(NamedTuple):
    """B(t) = b0 + b1·t + b2·t² in pixels, and the chord P2 − P0; every field broadcasts against `[N, pixels]`."""

    x0: Tensor
    x1: Tensor
    x2: Tensor
    y0: Tensor
    y1: Tensor
    y2: Tensor
    chord_x: Tensor
    chord_y: Tensor

    def detach(self) -> _Curve:
        return _Curve(*(field.detach() for field in self))

    def unsqueeze(self) -> _Curve:
        return _Curve(*(field[..., None] for field in self))

    def point(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.x0 + t * (self.x1 + t * self.x2), self.y0 + t * (self.y1 + t * self.y2)

    def velocity(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.x1 + 2 * t * self.x2, self.y1 + 2 * t * self.y2


def _curve(strokes: Tensor, origin: Tensor, scale: float) -> _Curve:
    def polynomial(start: Tensor, control: Tensor, end: Tensor, corner: Tensor) -> tuple[Tensor, ...]:
        # The control point is given as a fraction of the way from start to end, along each axis.
        chord = (end - start) * scale
        reach = chord * control
        return (start - corner) * scale, 2 * reach, chord - 2 * reach, chord

    x0, y0, x1, y1, x2, y2 = strokes[:, :6].split(1, dim=1)
    bx = polynomial(x0, x1, x2, origin[:, 0:1])
    by = polynomial(y0, y1, y2, origin[:, 1:2])
    return _Curve(bx[0], bx[1], bx[2], by[0], by[1], by[2], bx[3], by[3])


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
    return torch.linspace(0, 1, _SAMPLES, dtype=like.dtype, device=like.device)


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


def _paint_watercolor(
    strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    curve = _curve(strokes, origin, scale)
    start_radius = strokes[:, 6:7] * scale / 4
    growth = (strokes[:, 7:8] - strokes[:, 6:7]) * scale / 4
    with torch.no_grad():
        t, interior = _nearest_disc(curve, start_radius, growth, x, y)
    t = _attached(t, lambda t: _disc_stationarity(curve, growth, x, y, t), interior)
    point_x, point_y = curve.point(t)
    distance = norm(x - point_x, y - point_y)
    coverage = _overlap(distance, start_radius + t * growth, softness)
    return coverage, _mix(t, strokes[:, 8:11], strokes[:, 11:14])


def _disc_stationarity(curve: _Curve, growth: Tensor, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """|q| times the derivative of r(t) − |q(t)|, and the slope of that product where it is zero.

    The factor |q| removes the kink of the distance on the curve itself.
    """
    point_x, point_y = curve.point(t)
    qx, qy = x - point_x, y - point_y
    dx, dy = curve.velocity(t)
    residual = growth * norm(qx, qy) + qx * dx + qy * dy
    slope = growth * growth + 2 * (qx * curve.x2 + qy * curve.y2) - dx * dx - dy * dy
    return residual, slope


def _nearest_disc(curve: _Curve, start_radius: Tensor, growth: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
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


def _paint_marker(
    strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    curve = _curve(strokes, origin, scale)
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
    coverage = _overlap(distance, strokes[:, 6:7] * scale / 4, softness)
    return coverage, strokes[:, 8:11, None].expand(-1, -1, x.numel())


def _square_frame(curve: _Curve, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
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


def _nearest_square(curve: _Curve, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
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


def _paint_ribbon(
    strokes: Tensor, texture: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    curve = _curve(strokes, origin, scale)
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
    coverage = (ends[0] + ends[1] - 1).clamp(min=0) * _overlap(across.abs(), half, softness)
    # The length along the curve by Simpson's rule: as if the speed were the parabola through three of its values.
    first, last = norm(curve.x1, curve.y1), norm(2 * curve.chord_x - curve.x1, 2 * curve.chord_y - curve.y1)
    middle = norm(curve.chord_x, curve.chord_y)
    length = (first + 4 * middle + last) / 6
    way = t * (first + t * ((4 * middle - 3 * first - last) / 2 + t * 2 * (first - 2 * middle + last) / 3))
    position = ratio(across, 2 * half) + 0.5
    with torch.no_grad():
        plane = (length * 2 * half / scale**2 <= 0.1)[:, 0].long()
        long_side, short_side = (side[:, 0].clamp(min=1e-6) for side in (length, 2 * half))
    matte, ridge = _sample_texture(texture, plane, ratio(way, length), position, long_side, short_side, softness)
    mixed = _mix(position.clamp(0, 1), strokes[:, 7:10], strokes[:, 10:13])
    return coverage * matte, mixed + (2 * ridge[:, None] - 1) * mixed * (1 - mixed)


# ---- membership, for supersampled_coverage ---------------------------------------------------------------------------


def _swept_membership(stroke: Tensor, kind: int, x: Tensor, y: Tensor, scale: float, steps: int) -> Tensor:
    """Whether each point lies in one of the discs or squares that the brush passes through."""
    x0, y0, fx, fy, x2, y2, rho0, rho2 = stroke[:8].tolist()
    start = (x0 * scale, y0 * scale)
    end = (x2 * scale, y2 * scale)
    control = ((x0 + (x2 - x0) * fx) * scale, (y0 + (y2 - y0) * fy) * scale)
    t = torch.linspace(0, 1, steps, dtype=x.dtype)
    points = [(1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c for a, b, c in zip(start, control, end, strict=True)]
    speed = [2 * (1 - t) * (b - a) + 2 * t * (c - b) for a, b, c in zip(start, control, end, strict=True)]
    tangent = [speed[0] + 1e-6 * (end[0] - start[0]) + 1e-9, speed[1] + 1e-6 * (end[1] - start[1])]
    length = torch.hypot(*tangent)
    tangent = [tangent[0] / length, tangent[1] / length]
    radius = ((1 - t) * rho0 + t * rho2) * scale / 4 if kind == WATERCOLOR else torch.full_like(t, rho0 * scale / 4)

    inside = torch.zeros_like(x, dtype=torch.bool)
    # A coarse pass settles most of the points inside; the rest then meet only the squares or discs near them.
    for part in (torch.arange(0, steps, 64), *torch.arange(steps).split(32)):
        reach = radius[part].max() * (1 if kind == WATERCOLOR else math.sqrt(2))
        near = ~inside & (x >= points[0][part].min() - reach) & (x <= points[0][part].max() + reach)
        near = (near & (y >= points[1][part].min() - reach) & (y <= points[1][part].max() + reach)).nonzero()[:, 0]
        dx, dy = x[near, None] - points[0][part], y[near, None] - points[1][part]
        if kind == WATERCOLOR:
            hit = dx * dx + dy * dy <= radius[part] ** 2
        else:
            tx, ty = tangent[0][part], tangent[1][part]
            hit = ((dx * tx + dy * ty).abs() <= radius[part]) & ((dy * tx - dx * ty).abs() <= radius[part])
        inside[near[hit.any(-1)]] = True
    return inside
