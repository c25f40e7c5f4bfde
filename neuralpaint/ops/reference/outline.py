"""Plain-torch truth for the outlines of `render_paths`: curves as polylines, and what a stroke of one covers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = 0.02  # pixels between a line and its curve
MOST_LINES = 1024


def _turn(a: Tensor, b: Tensor) -> Tensor:
    return torch.atan2(a[0] * b[1] - a[1] * b[0], (a * b).sum())


def line_count(segment: Tensor, radius: float = 0.0) -> int:
    """Lines that a segment `[4, 2]`, in pixels, is cut into, for its parallel at `radius` to be near it too."""
    p = segment.detach()
    bend = max(float((p[0] - 2 * p[1] + p[2]).norm()), float((p[1] - 2 * p[2] + p[3]).norm()))
    lines = math.sqrt(0.75 / TOLERANCE * bend)
    if radius > 0.5:
        ways = p[1:] - p[:-1]
        turn = sum(abs(float(_turn(a, b))) for a, b in zip(ways, ways[1:], strict=False) if a.any() and b.any())
        lines = max(lines, turn * math.sqrt(radius / (8 * TOLERANCE)))
    return min(max(math.ceil(lines), 1), MOST_LINES)


def flatten(segment: Tensor, lines: int) -> Tensor:
    """Vertices `[lines + 1, 2]`. Those between the ends lie outside of the curve by about a twelfth of its second
    derivative over a step, so that the lines enclose as much as the curve."""
    t = torch.arange(lines + 1, dtype=segment.dtype)[:, None] / lines
    weights = torch.cat([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3], 1)
    second = torch.cat([6 * (1 - t), 18 * t - 12, 6 - 18 * t, 6 * t], 1)
    inside = ((t > 0) & (t < 1)).to(t.dtype)
    return (weights - inside * second / max(12 * lines * (lines - 1), 1)) @ segment


@dataclass
class Stroke:
    """How a polyline is stroked."""

    radius: Tensor  # scalar
    cap: str
    join: str
    miter_limit: float


def stroke_outline(vertices: Tensor, inner: list[bool], closed: bool, stroke: Stroke) -> list[Tensor]:
    """Closed contours `[n, 2]` that cover each part of the stroke with one orientation.

    Args:
        vertices: `[n, 2]` of the polyline.
        inner: whether each vertex lies within a segment, where the curve is smooth.
        closed: whether the last one is joined to the first.
        stroke: how it is stroked.
    """
    kept: list[int] = []
    places = vertices.detach()
    for i in range(len(places)):
        if not kept or float((places[i] - places[kept[-1]]).norm()) > 1e-6:
            kept.append(i)
    if closed and len(kept) > 1 and float((places[kept[-1]] - places[kept[0]]).norm()) <= 1e-6:
        kept.pop()
    if float(stroke.radius.detach()) <= 0:
        return []
    at, smooth = vertices[kept], [inner[i] for i in kept]
    if len(kept) == 1:
        return _dot(at[0], stroke)
    backwards = at.flip(0)
    if closed:
        return [_side(at, smooth, True, stroke, True), _side(backwards, smooth[::-1], True, stroke, False)]
    there, back = _side(at, smooth, False, stroke, True), _side(backwards, smooth[::-1], False, stroke, False)
    return [torch.cat([there, _cap(at, stroke), back, _cap(backwards, stroke)])]


def _arc_steps(angle: float, radius: Tensor) -> int:
    return min(max(math.ceil(abs(angle) * math.sqrt(float(radius.detach()) / (8 * TOLERANCE))), 1), 256)


def _rotated(normal: Tensor, angle: Tensor) -> Tensor:
    c, s = torch.cos(angle), torch.sin(angle)
    return torch.stack([c * normal[0] - s * normal[1], s * normal[0] + c * normal[1]])


def _normal(a: Tensor, b: Tensor) -> Tensor:
    way = (b - a) / (b - a).norm()
    return torch.stack([-way[1], way[0]])


def _side(at: Tensor, smooth: list[bool], closed: bool, stroke: Stroke, forward: bool) -> Tensor:
    """The left side of a polyline."""
    count = len(at)
    normals = [_normal(at[i], at[(i + 1) % count]) for i in range(count if closed else count - 1)]
    lengths = [float((at[(i + 1) % count] - at[i]).detach().norm()) for i in range(len(normals))]
    points = [] if closed else [at[0] + stroke.radius * normals[0]]
    for i in range(len(normals) - (not closed)):
        k = (i + 1) % len(normals)
        v = (i + 1) % count
        shortest = min(lengths[i], lengths[k])
        points += _join(at[v], normals[i], normals[k], shortest, smooth[v], stroke, forward)
    return torch.stack(points if closed else [*points, at[-1] + stroke.radius * normals[-1]])


def _join(
    at: Tensor, a: Tensor, b: Tensor, shortest: float, smooth: bool, stroke: Stroke, forward: bool
) -> list[Tensor]:
    across, along = float((a[0] * b[1] - a[1] * b[0]).detach()), float((a * b).sum().detach())
    stretch = math.sqrt(2 / max(1 + along, 1e-12))
    radius = stroke.radius
    first, last, mitred = at + radius * a, at + radius * b, at + radius * (a + b) / (1 + (a * b).sum())
    if not (across < 0 or (across == 0 and along < 0 and forward)):
        reach = float(radius.detach()) * math.sqrt(max(1 - along, 0.0) / max(1 + along, 1e-12))
        return [mitred] if 1 + along > 1e-3 and reach <= shortest / 2 else [first, at, last]
    if float(radius.detach()) * (stretch - 1) <= TOLERANCE:
        return [mitred]
    if smooth or stroke.join == "round":
        turn = _turn(a, b) if across else _turn(a, b) * 0 - math.pi
        steps = _arc_steps(float(turn.detach()), radius)
        return [first, *(at + radius * _rotated(a, turn * k / steps) for k in range(1, steps)), last]
    return [mitred] if stroke.join == "miter" and stretch <= stroke.miter_limit else [first, last]


def _cap(at: Tensor, stroke: Stroke) -> Tensor:
    """The end of a polyline, from its left side to its right."""
    normal = _normal(at[-2], at[-1])
    if stroke.cap == "square":
        ahead = torch.stack([normal[1], -normal[0]])
        return at[-1] + stroke.radius * torch.stack([normal + ahead, ahead - normal])
    if stroke.cap == "butt":
        return at[:0]
    # Points between the ends are so far out that the cap has the area of half a disc.
    steps = max(3, _arc_steps(math.pi, stroke.radius))
    length = (math.sqrt(1 + (steps - 2) * math.pi / math.sin(math.pi / steps)) - 1) / (steps - 2)
    angles = [torch.tensor(-math.pi * k / steps, dtype=at.dtype) for k in range(1, steps)]
    return torch.stack([at[-1] + stroke.radius * length * _rotated(normal, angle) for angle in angles])


def _dot(at: Tensor, stroke: Stroke) -> list[Tensor]:
    """A contour without length."""
    if stroke.cap == "butt":
        return []
    square = stroke.cap == "square"
    steps = 4 if square else max(8, _arc_steps(2 * math.pi, stroke.radius))
    length = math.sqrt(2.0 if square else 2 * math.pi / steps / math.sin(2 * math.pi / steps))
    angles = 2 * math.pi * (torch.arange(steps, dtype=at.dtype) + 0.5 * square) / steps
    around = torch.stack([torch.cos(angles), torch.sin(angles)], 1)
    return [at + stroke.radius * length * around]
