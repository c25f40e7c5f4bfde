"""The relief of the paint, lit from one side, and the texture of what it was painted on.

The height of the paint comes from the strokes themselves. They are drawn once more with other colours: grey, which the
bristles of a textured brush make lighter and darker, so that it is their height; their number in painting order, so
that each stroke has an edge where it lies over another; and one, so that it is how much paint covers the ground.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from neuralpaint.brushes import Brush
from neuralpaint.painting.finish import Finish
from neuralpaint.utils.noise import hashed_noise

_ELEVATION = math.radians(45.0)  # of the light above the canvas
_BRISTLES = 1 / 85  # height of a ridge, in units
_EDGE_SLOPE = 0.12  # the slope at the edge of a stroke comes close to this, whatever it lies on
_GROUND = {"canvas": 1 / 900, "paper": 1 / 400}  # height of its texture, in units
_UNDER_PAINT = 0.4  # what is left of that texture under paint
_SHADE = 0.9
_GLOSS = 40.0  # exponent of the highlight
_BLUR = 1 / 1400  # standard deviation in units: paint flows a little
_LEAST_BLUR = 0.6  # pixels
_THREADS = 220.0  # of canvas in one unit


class Surface(NamedTuple):
    """`ridges`, `order` and `cover`, `[1, 1, H, W]` each: height of the bristles around ½, number of the stroke on top
    divided by the number of strokes, and how much paint there is, 0 to 1."""

    ridges: Tensor
    order: Tensor
    cover: Tensor


def margin(pixels_per_unit: float) -> int:
    """How many pixels beyond its edges a tile must know."""
    return _radius(_deviation(pixels_per_unit)) + 1


def surface_strokes(strokes: Tensor, brush: Brush) -> Tensor:
    """The strokes `[N, P]` in the colours that draw a `Surface`."""
    surface = strokes.clone()
    order = (torch.arange(len(strokes), dtype=torch.float32, device=strokes.device) + 1) / max(1, len(strokes))
    for part in brush.colors:
        surface[:, part.start], surface[:, part.start + 1], surface[:, part.start + 2] = 0.5, order, 1.0
    return surface


BARE = (0.5, 0.0, 0.0)
"""The colour of a `Surface` where there is no paint."""


def apply_finish(
    picture: Tensor, surface: Tensor, finish: Finish, left: int, top: int, pixels_per_unit: float
) -> Tensor:
    """Lights a tile.

    Args:
        picture: `[1, 3, h, w]`, the tile with `margin` pixels more on each side.
        surface: the same part of `surface_strokes`, drawn on `BARE`.
        left, top: position in pixels of the first pixel of `picture`, which may be negative.

    Returns:
        `[1, 3, h − 2·margin, w − 2·margin]` in [0, 1].
    """
    edge = margin(pixels_per_unit)
    down, right = slopes(surface, finish, left, top, pixels_per_unit)
    picture = picture[..., edge:-edge, edge:-edge]
    angle = math.radians(finish.light)
    light = (math.cos(angle) * math.cos(_ELEVATION), -math.sin(angle) * math.cos(_ELEVATION), math.sin(_ELEVATION))
    between = (light[0], light[1], light[2] + 1.0)  # halfway to the eye, which looks straight at the canvas
    length = math.sqrt(sum(v * v for v in between))
    shine = [v / length for v in between]
    upright = (1 + right * right + down * down).rsqrt()
    shade = (light[2] - right * light[0] - down * light[1]) * upright / light[2]
    lit = picture * (1 + _SHADE * (shade - 1))
    if finish.varnish:
        gleam = ((shine[2] - right * shine[0] - down * shine[1]) * upright).clamp(0, 1) ** _GLOSS
        lit = lit + 0.25 * finish.varnish * (gleam - shine[2] ** _GLOSS)
    return lit.clamp(0, 1)


def slopes(surface: Tensor, finish: Finish, left: int, top: int, pixels_per_unit: float) -> tuple[Tensor, Tensor]:
    """How much the surface rises from pixel to pixel, downwards and to the right, `[1, 1, h, w]` without the margin.
    Arguments as of `apply_finish`."""
    paint = Surface(*surface.split(1, dim=1))
    deviation = _deviation(pixels_per_unit)
    height = _blurred(paint.ridges, deviation) * (_BRISTLES * pixels_per_unit * finish.relief)
    if finish.ground != "none":
        y, x = (
            (torch.arange(length, dtype=torch.float64, device=surface.device) + (start + 0.5)) / pixels_per_unit
            for length, start in ((surface.shape[-2], top), (surface.shape[-1], left))
        )
        rough = ground_texture(finish.ground, x[None, :], y[:, None]).float()
        ground = _blurred(rough * (1 - (1 - _UNDER_PAINT) * paint.cover), deviation)
        height = height + ground * (_GROUND[finish.ground] * pixels_per_unit)
    down, right = _slope(height)
    edge_down, edge_right = _slope(_blurred(paint.order, deviation))
    steepness = 3.0 * (edge_down.square() + edge_right.square()).sqrt()
    limit = 3.0 * finish.relief / (1 + steepness / _EDGE_SLOPE)
    return down + edge_down * limit, right + edge_right * limit


def normal_map(surface: Tensor, finish: Finish, left: int, top: int, pixels_per_unit: float) -> Tensor:
    """Normals `[1, 3, h, w]` without the margin: right, up and out, from [-1, 1] to [0, 1]. Arguments as of
    `apply_finish`."""
    down, right = slopes(surface, finish, left, top, pixels_per_unit)
    upright = (1 + right * right + down * down).rsqrt()
    return torch.cat([-right * upright, down * upright, upright], dim=1) * 0.5 + 0.5


def height_map(surface: Tensor, pixels_per_unit: float) -> Tensor:
    """Height of the paint, 0 to 1, `[1, 1, h, w]` without the margin: ¼ where there is none, bristles around ¾."""
    paint = Surface(*surface.split(1, dim=1))
    height = 0.25 + 0.5 * paint.cover + 0.5 * (paint.ridges - 0.5)
    return _blurred(height, _deviation(pixels_per_unit))[..., 1:-1, 1:-1].clamp(0, 1)


def ground_texture(ground: str, x: Tensor, y: Tensor) -> Tensor:
    """Height of bare canvas or paper, 0 to 1, at points in units."""
    return _TEXTURES[ground](x, y)


def _canvas(x: Tensor, y: Tensor) -> Tensor:
    """Threads that cross, over and under in turn; each is a little uneven."""
    u, v = x * _THREADS, y * _THREADS
    u, v = u + 0.3 * (hashed_noise(u * 0.11, v * 0.03, 1) - 0.5), v + 0.3 * (hashed_noise(u * 0.03, v * 0.11, 2) - 0.5)
    column, row = u.floor(), v.floor()
    over = ((column + row) % 2) * 2 - 1
    across, along = (math.pi * (u - column)).sin(), (math.pi * (v - row)).sin()
    weave = torch.where(over > 0, across * (0.6 + 0.4 * along), along * (0.6 + 0.4 * across))
    return weave * (0.75 + 0.5 * hashed_noise(u * 0.05, v * 0.05, 3))


def _paper(x: Tensor, y: Tensor) -> Tensor:
    """Cold-pressed paper: soft bumps of several sizes."""
    total = x.new_zeros(()).expand(torch.broadcast_shapes(x.shape, y.shape))
    for octave, (frequency, weight) in enumerate(((70.0, 0.4), (140.0, 0.35), (280.0, 0.25))):
        total = total + weight * hashed_noise(x * frequency, y * frequency, 10 + octave)
    return total


_TEXTURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"canvas": _canvas, "paper": _paper}


def _deviation(pixels_per_unit: float) -> float:
    return max(_LEAST_BLUR, _BLUR * pixels_per_unit)


def _radius(deviation: float) -> int:
    return max(1, math.ceil(3 * deviation))


def _blurred(image: Tensor, deviation: float) -> Tensor:
    """A Gaussian blur; the result is smaller by its radius on each side. By sums of slices: a convolution may round
    differently from one size of tile to another, and seams would show."""
    radius = _radius(deviation)
    taps = [math.exp(-0.5 * (k / deviation) ** 2) for k in range(-radius, radius + 1)]
    for axis in (-1, -2):
        length = image.shape[axis] - 2 * radius
        blurred = torch.zeros_like(image.narrow(axis, 0, length))
        for k, tap in enumerate(taps):
            blurred.add_(image.narrow(axis, k, length), alpha=tap / sum(taps))
        image = blurred
    return image


def _slope(height: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences, down and to the right; smaller by a pixel on each side."""
    down = (height[..., 2:, 1:-1] - height[..., :-2, 1:-1]) / 2
    right = (height[..., 1:-1, 2:] - height[..., 1:-1, :-2]) / 2
    return down, right
