"""Strokes as shapes: the line that a tip follows, and what it covers. In NumPy, float64, units of the shorter side."""

from __future__ import annotations

import math

import numpy as np

POINTS = 17  # of a curved line
_CORNERS = 24  # of a disc


def box_line(strokes: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Points `[N, 2, 2]` and widths `[N, 2]` of xc yc w h θ with half-sides share·w and share·h: along the longer side,
    for a round tip as wide as the shorter one."""
    half = share * strokes[:, 2:4]
    u, v = _axes(strokes)
    long = np.where(half[:, :1] >= half[:, 1:], u, v)
    reach = np.abs(half[:, :1] - half[:, 1:])
    points = strokes[:, None, 0:2] + np.stack([-reach * long, reach * long], 1)
    return points, np.repeat(2 * half.min(1, keepdims=True), 2, axis=1)


def box_outline(strokes: np.ndarray, share: float) -> np.ndarray:
    """Corners `[N, 1, 4, 2]` of xc yc w h θ."""
    u, v = (axis * share * strokes[:, k : k + 1] for axis, k in zip(_axes(strokes), (2, 3), strict=True))
    return (strokes[:, None, 0:2] + np.stack([-u - v, u - v, u + v, v - u], 1))[:, None]


def curve_points(strokes: np.ndarray) -> np.ndarray:
    """`[N, POINTS, 2]` on the quadratic Bézier x0 y0 x1 y1 x2 y2, whose control point is a ratio of the way."""
    chord = strokes[:, None, 4:6] - strokes[:, None, 0:2]
    linear = 2 * chord * strokes[:, None, 2:4]
    t = np.linspace(0, 1, POINTS)[:, None]
    return strokes[:, None, 0:2] + t * (linear + t * (chord - linear))


def swept_discs(points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """What a disc covers on its way from point to point.

    Args:
        points: `[N, K, 2]`.
        radii: `[N, K]`.

    Returns:
        `[N, K − 1, 24, 2]`: corners of a convex shape for each part of the way, the hull of the discs at its ends.
    """
    pairs = np.stack([points[:, :-1], points[:, 1:]], 2)
    return _hulls(pairs, np.stack([radii[:, :-1], radii[:, 1:]], 2))


def swept_squares(points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """As `swept_discs`, of a square of half-side `half` `[N]` that turns with the way."""
    along = np.gradient(points, axis=1) + np.array([1e-12, 0.0])
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    across = np.stack([-along[..., 1], along[..., 0]], -1)
    side = half[:, None, None]
    corners = np.stack([points + side * (i * along + j * across) for i in (-1, 1) for j in (-1, 1)], 2)
    both = np.concatenate([corners[:, :-1], corners[:, 1:]], 2)
    return _hulls(both, np.zeros(both.shape[:-1]))


def swept_bars(points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """As `swept_discs`, of a bar across the way that reaches `half` `[N]` to either side."""
    along = np.gradient(points, axis=1) + np.array([1e-12, 0.0])
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    across = half[:, None, None] * np.stack([-along[..., 1], along[..., 0]], -1)
    ends = np.stack([points - across, points + across], 2)
    both = np.concatenate([ends[:, :-1], ends[:, 1:]], 2)
    return _hulls(both, np.zeros(both.shape[:-1]))


def _hulls(centers: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """The hull of discs `[..., V, 2]` with radii `[..., V]`: its farthest point in each of 24 directions, in order."""
    turn = 2 * math.pi * np.arange(_CORNERS) / _CORNERS
    ways = np.stack([np.cos(turn), np.sin(turn)], -1)
    farthest = (centers @ ways.T + radii[..., None]).argmax(-2)
    center = np.take_along_axis(centers, farthest[..., None], -2)
    return center + np.take_along_axis(radii, farthest, -1)[..., None] * ways


def _axes(strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions of w and h of turned boxes, `[N, 2]` each."""
    turn = math.pi * strokes[:, 4]
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos, -sin], -1), np.stack([sin, cos], -1)
