"""Plain-torch truth for `rasterize` and `render`: slow, readable, any floating dtype, differentiable by autograd.

The kernels are tested against these functions in float64. Shapes, units and brush parameters are those of
`neuralpaint.ops.rasterize` and `neuralpaint.ops.render`; nothing here checks its arguments.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neuralpaint.ops.reference.coverage import rotate
from neuralpaint.ops.reference.curves import SAMPLES, paint_marker, paint_ribbon, paint_watercolor
from neuralpaint.ops.reference.rectangles import paint_tape, paint_textured

if TYPE_CHECKING:
    from neuralpaint.brushes import Brush

OIL, WATERCOLOR, MARKER, TAPE = range(4)
RIBBON = 5

FARTHEST = 2.0**26  # pixels

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
    chunk = max(1, _CHUNK // max(1, pixels * SAMPLES))
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
            along, across = rotate(x - xc * scale, y - yc * scale, torch.tensor(math.pi * p, dtype=torch.float64))
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


def _paint(
    strokes: Tensor, brush: Brush, x: Tensor, y: Tensor, origin: Tensor, scale: float, softness: float
) -> tuple[Tensor, Tensor]:
    """Coverage `[N, pixels]` and colour `[N, 3, pixels]` at pixel centres (x, y)."""
    if brush.kind == TAPE:
        return paint_tape(strokes, x, y, origin, scale, softness)
    if brush.kind == OIL:
        return paint_textured(strokes, brush.texture, x, y, origin, scale, softness)
    if brush.kind == WATERCOLOR:
        return paint_watercolor(strokes, x, y, origin, scale, softness)
    if brush.kind == MARKER:
        return paint_marker(strokes, x, y, origin, scale, softness)
    if brush.kind == RIBBON:
        return paint_ribbon(strokes, brush.texture, x, y, origin, scale, softness)
    return brush.paint(strokes, x, y, origin, scale, softness)


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
