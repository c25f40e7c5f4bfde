"""Stroke frames: where a pixel lies in a stroke's own coordinates, from the stroke's declared geometry alone.

A brush that nobody can differentiate still tells what its parameters mean: the box it fills, or the curve its tip
follows. From that, every pixel gets its place along and across the stroke and its signed distance from the outline. A
`CoordinateRenderer` learns what the brush puts there: edges, texture, colour, shading.

All lengths are in pixels. `strokes` is `[R, P]`, one row of points `x`, `y` `[R, K]` to each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from neuralpaint.utils.validation import unknown_name

if TYPE_CHECKING:
    from torch import Tensor

_SAMPLES = 16  # parameter values of a curve tried per pixel; a square tip, whose minima are narrow, takes twice that
_HALVINGS = 7  # of the bracket around the best of them


@dataclass(frozen=True)
class Frame:
    """Pixels in their strokes' frames.

    Attributes:
        edges: `[R, K, E]` signed distances from the outline in pixels, positive inside.
        along, across: `[R, K]` places in the stroke, in [0, 1] inside it.
        progress: `[R, K]` in [0, 1], along which a brush's colour runs.
        width: `[R, K]` or `[R, 1]`, half of the stroke's width there.
        length, breadth: `[R]`, sides of the stroke, for choosing a texture's resolution; no gradient.
    """

    edges: Tensor
    along: Tensor
    across: Tensor
    progress: Tensor
    width: Tensor
    length: Tensor
    breadth: Tensor


GEOMETRIES: dict[str, type[Geometry]] = {}
"""The geometries by kind."""


@dataclass(frozen=True)
class Geometry:
    """How the first parameters of a stroke place it; each subclass is a kind.

    Attributes:
        reach: half-side or radius per size parameter, in units.
        margin: pixels by which a brush may paint beyond its outline.
    """

    reach: float = 0.25
    margin: float = 1.0

    kind: ClassVar[str] = ""
    """The name that files keep."""
    known: ClassVar[int] = 0
    """How many parameters it goes by; 0: it knows nothing, and strokes may be anywhere."""
    edges: ClassVar[int] = 1
    """Signed distances in a frame, E."""
    sizes: ClassVar[int] = 0
    """Numbers that `sizes_of` gives."""
    slope: ClassVar[float] = 1.0
    """How much the distance from the outline changes in a pixel, at most."""
    round_ends: ClassVar[bool] = False
    """True if the place along the stroke is the same everywhere in its ends."""

    def __init_subclass__(cls) -> None:
        if not cls.kind:
            return
        if cls.kind in GEOMETRIES:
            raise ValueError(f"there is a geometry {cls.kind!r} already")
        GEOMETRIES[cls.kind] = cls

    def sizes_of(self, strokes: Tensor, scale: float) -> Tensor:
        """`[R, sizes]`: what a brush may go by besides the place in the stroke: its size in pixels (log₂), its turn."""
        raise NotImplementedError

    def bounds(self, strokes: Tensor, origin: Tensor, scale: float) -> Tensor:
        """`[R, 4]`: boxes x0, y0, x1, y1 in pixels outside of which nothing is painted; `origin` as of `frame`."""
        raise NotImplementedError

    def frame(self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> Frame:
        """The frame of points `x`, `y` `[R, K]` in pixels; pixel (0, 0) lies at `origin` `[R, 2]` (units)."""
        raise NotImplementedError


def named_geometry(kind: str, reach: float = 0.25, margin: float = 1.0) -> Geometry:
    """The geometry that a file describes. Raises ValueError for an unknown kind."""
    if kind not in GEOMETRIES:
        raise ValueError(unknown_name("geometry", str(kind), list(GEOMETRIES)))
    return GEOMETRIES[kind](reach, margin)


class Box(Geometry):
    """xc yc w h θ: a rectangle of half-sides reach·w, reach·h, turned by π·θ."""

    kind = "box"
    known = 5
    edges = 2
    sizes = 4

    def sizes_of(self, strokes: Tensor, scale: float) -> Tensor:
        import torch

        half = (strokes[:, 2:4] * (self.reach * scale)).clamp(min=0.1, max=256).log2()
        turn = 2 * math.pi * strokes[:, 4:5]
        return torch.cat([half / 4, turn.cos(), turn.sin()], 1)

    def bounds(self, strokes: Tensor, origin: Tensor, scale: float) -> Tensor:
        import torch

        turn = math.pi * strokes[:, 4:5]
        cos, sin = turn.cos().abs(), turn.sin().abs()
        half = strokes[:, 2:4] * self.reach * scale + self.margin
        center = (strokes[:, 0:2] - origin) * scale
        reach = torch.cat([half[:, :1] * cos + half[:, 1:] * sin, half[:, :1] * sin + half[:, 1:] * cos], 1)
        return torch.cat([center - reach, center + reach], 1)

    def frame(self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> Frame:
        import torch

        center = (strokes[:, 0:2] - origin) * scale
        turn = math.pi * strokes[:, 4:5]
        cos, sin = turn.cos(), turn.sin()
        dx, dy = x - center[:, 0:1], y - center[:, 1:2]
        u, v = dx * cos - dy * sin, dx * sin + dy * cos
        half_u, half_v = strokes[:, 2:3] * self.reach * scale, strokes[:, 3:4] * self.reach * scale
        place_u = u / (2 * half_u).clamp(min=1e-3) + 0.5
        place_v = v / (2 * half_v).clamp(min=1e-3) + 0.5
        tall = half_v > half_u
        sides = 2 * torch.cat([half_u, half_v], 1).detach()
        return Frame(
            torch.stack([half_u - u.abs(), half_v - v.abs()], -1),
            torch.where(tall, place_v, place_u).clamp(0, 1),
            torch.where(tall, place_u, place_v).clamp(0, 1),
            place_v.clamp(0, 1),
            torch.minimum(half_u, half_v),
            sides.amax(1),
            sides.amin(1),
        )


class Path(Geometry):
    """x0 y0 x1 y1 x2 y2 ρ0 ρ2: a quadratic Bézier swept by a disc or a square."""

    known = 8
    radii: ClassVar[int] = 1
    """How many radii it has: the tip's, or those at its ends."""

    def sizes_of(self, strokes: Tensor, scale: float) -> Tensor:
        import torch

        radii = (strokes[:, 6 : 6 + self.radii] * (self.reach * scale)).clamp(min=0.1, max=256).log2()
        chord = (strokes[:, 4:6] - strokes[:, 0:2]).detach().norm(dim=1, keepdim=True) * scale
        return torch.cat([radii / 4, chord.clamp(1, 1024).log2() / 4], 1)

    def bounds(self, strokes: Tensor, origin: Tensor, scale: float) -> Tensor:
        import torch

        first, last = (strokes[:, 0:2] - origin) * scale, (strokes[:, 4:6] - origin) * scale
        low, high = torch.minimum(first, last), torch.maximum(first, last)
        radius = strokes[:, 6 : 6 + self.radii].amax(1, keepdim=True)
        reach = (radius * self.reach * scale + self.margin) * self.slope
        return torch.cat([low - reach, high + reach], 1)

    def frame(self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> Frame:
        import torch

        curve = _Curve(strokes, origin, scale)
        disc = self.radii == 2
        first = strokes[:, 6:7] * self.reach * scale
        growth = strokes[:, 7:8] * self.reach * scale - first if disc else torch.zeros_like(first)
        with torch.no_grad():
            t = _nearest(curve, first, growth, x, y, disc)
        if disc:
            t = _attach(curve, growth, x, y, t)
        qx, qy, tx, ty = curve.local(x, y, t)
        side = tx * qy - ty * qx
        radius = first + growth * t
        # A square tip's t is a constant to autograd: its distance, a minimum over t, has the right gradient still.
        if disc:
            # |q|'s derivative does not exist on the curve itself
            distance = (qx * qx + qy * qy + 1e-6).sqrt()
        else:
            distance = torch.maximum((tx * qx + ty * qy).abs(), side.abs())
        length = curve.chord.detach().norm(dim=1) + 2 * first.detach()[:, 0]
        breadth = 2 * torch.maximum(first, first + growth).detach()[:, 0]
        across = (0.5 + 0.5 * side / radius.clamp(min=0.5)).clamp(0, 1)
        return Frame((radius - distance)[..., None], t, across, t, radius, length, breadth)


class DiscPath(Path):
    """A path of a disc whose radius runs from reach·ρ0 to reach·ρ2."""

    kind = "disc path"
    sizes = 3
    radii = 2
    round_ends = True


class SquarePath(Path):
    """A path of a square of half-side reach·ρ0 along the tangent."""

    kind = "square path"
    sizes = 2
    slope = math.sqrt(2)


class BarPath(Path):
    """x0 y0 x1 y1 x2 y2 ρ: a path of a bar across the tangent that reaches reach·ρ to either side."""

    kind = "bar path"
    known = 7
    edges = 2
    sizes = 2

    def frame(self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> Frame:
        import torch

        curve = _Curve(strokes, origin, scale)
        half = strokes[:, 6:7] * self.reach * scale
        with torch.no_grad():
            t = _nearest(curve, half, torch.zeros_like(half), x, y, True)
        t = _attach(curve, torch.zeros_like(half), x, y, t)
        qx, qy, tx, ty = curve.local(x, y, t)
        side = tx * qy - ty * qx
        beyond = torch.where((t > 0) & (t < 1), 0.0, tx * qx + ty * qy)
        # Near an end, where alone it counts, the way to it along the curve is the straight one.
        from_start, to_end = curve.offset(x - qx, y - qy, torch.zeros_like(t)), curve.offset(x - qx, y - qy, t * 0 + 1)
        ends = torch.minimum(_length(*from_start) + beyond, _length(*to_end) - beyond)
        across = (0.5 + 0.5 * side / half.clamp(min=0.5)).clamp(0, 1)
        length, breadth = curve.chord.detach().norm(dim=1), 2 * half.detach()[:, 0]
        return Frame(torch.stack([ends, half - side.abs()], -1), t, across, across, half, length, breadth)


class Canvas(Geometry):
    """Nothing is known; the frame is the unit square."""

    kind = "canvas"

    def sizes_of(self, strokes: Tensor, scale: float) -> Tensor:
        return strokes[:, :0]

    def bounds(self, strokes: Tensor, origin: Tensor, scale: float) -> Tensor:
        import torch

        corner = -origin.expand(len(strokes), 2) * scale
        return torch.cat([corner, corner + scale], 1)

    def frame(self, strokes: Tensor, x: Tensor, y: Tensor, origin: Tensor, scale: float) -> Frame:
        import torch

        along, across = x / scale + origin[:, 0:1], y / scale + origin[:, 1:2]
        size = torch.full((len(strokes),), scale, dtype=strokes.dtype, device=strokes.device)
        edges = torch.full_like(along, 4.0)[..., None]
        return Frame(edges, along.clamp(0, 1), across.clamp(0, 1), across.clamp(0, 1), edges[:, :1, 0], size, size)


class _Curve:
    """B(t) = b0 + b1·t + b2·t², the quadratic Bézier of strokes `[R, ≥6]`, in pixels."""

    def __init__(self, strokes: Tensor, origin: Tensor, scale: float) -> None:
        self.chord = (strokes[:, 4:6] - strokes[:, 0:2]) * scale
        self.b0 = (strokes[:, 0:2] - origin) * scale
        self.b1 = 2 * self.chord * strokes[:, 2:4]  # the control point is a ratio of the way, along each axis
        self.b2 = self.chord - self.b1

    def offset(self, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """From B(t) to the points."""
        qx = x - (self.b0[:, 0:1] + t * (self.b1[:, 0:1] + t * self.b2[:, 0:1]))
        qy = y - (self.b0[:, 1:2] + t * (self.b1[:, 1:2] + t * self.b2[:, 1:2]))
        return qx, qy

    def velocity(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.b1[:, 0:1] + 2 * t * self.b2[:, 0:1], self.b1[:, 1:2] + 2 * t * self.b2[:, 1:2]

    def local(self, x: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Offsets of the points from B(t), and the unit tangent there (along x where the curve stands still)."""
        qx, qy = self.offset(x, y, t)
        vx, vy = self.velocity(t)
        vx, vy = vx + 1e-6 * self.chord[:, 0:1] + 1e-9, vy + 1e-6 * self.chord[:, 1:2]
        speed = (vx * vx + vy * vy).clamp(min=1e-18).sqrt()
        return qx, qy, vx / speed, vy / speed


def _length(x: Tensor, y: Tensor) -> Tensor:
    return (x * x + y * y + 1e-6).sqrt()


def _nearest(curve: _Curve, first: Tensor, growth: Tensor, x: Tensor, y: Tensor, disc: bool) -> Tensor:
    """`[R, K]`: the t whose disc or square reaches farthest over each point."""
    import torch

    def gap(t: Tensor) -> Tensor:
        if disc:
            qx, qy = curve.offset(x, y, t)
            return (qx * qx + qy * qy).sqrt() - growth * t
        qx, qy, tx, ty = curve.local(x, y, t)
        return torch.maximum((tx * qx + ty * qy).abs(), (tx * qy - ty * qx).abs())

    best, smallest = torch.zeros_like(x), gap(torch.zeros_like(x[:, :1]))
    samples = _SAMPLES if disc else 2 * _SAMPLES
    for k in range(1, samples + 1):
        t = torch.full_like(x[:, :1], k / samples)
        value = gap(t)
        closer = value < smallest
        best, smallest = torch.where(closer, t, best), torch.where(closer, value, smallest)
    step = 0.5 / samples
    for _ in range(_HALVINGS):
        for t in ((best - step).clamp(min=0), (best + step).clamp(max=1)):
            value = gap(t)
            closer = value < smallest
            best, smallest = torch.where(closer, t, best), torch.where(closer, value, smallest)
        step /= 2
    return best


def _attach(curve: _Curve, growth: Tensor, x: Tensor, y: Tensor, t: Tensor) -> Tensor:
    """t after a Newton step for the derivative of the gap, which also gives it that optimum's derivative."""
    import torch

    qx, qy = curve.offset(x, y, t)
    vx, vy = curve.velocity(t)
    distance = (qx * qx + qy * qy + 1e-6).sqrt()
    slope = -(qx * vx + qy * vy) / distance - growth
    with torch.no_grad():
        radial = (qx * vx + qy * vy) / distance
        turn = (vx * vx + vy * vy - radial * radial - 2 * (qx * curve.b2[:, 0:1] + qy * curve.b2[:, 1:2])) / distance
        inside = (t > 0) & (t < 1) & (turn > 1e-3)
        weight = torch.where(inside, 1 / turn.clamp(min=1e-3), torch.zeros_like(turn))
        limit = (slope * weight).abs().clamp(min=1e-12)
        weight = weight * (0.5 / _SAMPLES / limit).clamp(max=1)
    return (t - slope * weight).clamp(0, 1)
