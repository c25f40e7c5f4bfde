"""Linear gradients that come near to a colour mixed along a curve."""

from __future__ import annotations

import math

import numpy as np

from neuralpaint.brushes.svg.curve import Curves, normal
from neuralpaint.brushes.svg.envelope import radii

STOPS = 7
_NEAR = 65  # parameters tried for the disc that a point belongs to
_BODY, _ASIDE, _FAN = 13, 7, 9  # sample points: along, across, in an end
_SLACK = 1e-4  # weight of evenly spaced stops, where no sample says anything


def fit_gradients(strokes: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axes and stops for the parameter t of the disc that reaches furthest over each point, by least squares.

    Returns:
        the axes' ends, `[N, 2]` each, pixels, and t at evenly spaced places on them `[N, STOPS]`.
    """
    points, weight = _samples(strokes, scale)
    t = _nearest(strokes, points, scale)
    middle = np.einsum("nk,nkc->nc", weight, points)
    away = points - middle[:, None]
    best = np.full(len(strokes), np.inf)
    low, high = np.zeros((len(strokes), 2)), np.zeros((len(strokes), 2))
    stops = np.zeros((len(strokes), STOPS))
    for direction in _directions(strokes, away, weight, t):
        first, last, fitted, error = _fit(away, weight, t, direction)
        better = error < best
        best = np.where(better, error, best)
        low[better] = (middle + first * direction)[better]
        high[better] = (middle + last * direction)[better]
        stops[better] = fitted[better]
    return low, high, stops


def _directions(strokes: np.ndarray, away: np.ndarray, weight: np.ndarray, t: np.ndarray) -> list[np.ndarray]:
    """Directions to try `[N, 2]` each: that of the plane through t, and some turned from it."""
    spread = np.einsum("nk,nkc,nkd->ncd", weight, away, away)
    spread += (1e-6 * np.trace(spread, axis1=1, axis2=2) + 1e-12)[:, None, None] * np.eye(2)
    uphill = np.linalg.solve(spread, np.einsum("nk,nkc,nk->nc", weight, away, t)[..., None])[..., 0]
    angle = np.arctan2(uphill[:, 1], uphill[:, 0])
    return [np.stack([np.cos(angle + turn), np.sin(angle + turn)], -1) for turn in (0.0, -0.15, 0.15, -0.35, 0.35)]


def _fit(
    away: np.ndarray, weight: np.ndarray, t: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The extent `[N, 1]` twice, stops `[N, STOPS]`, and the mean square error `[N]`."""
    along = np.einsum("nkc,nc->nk", away, direction)
    low, high = along.min(1, keepdims=True), along.max(1, keepdims=True)
    position = (along - low) / np.maximum(high - low, 1e-9) * (STOPS - 1)
    hats = np.maximum(0.0, 1.0 - np.abs(position[..., None] - np.arange(STOPS)))
    weighted = weight[..., None] * hats
    square = np.swapaxes(weighted, 1, 2) @ hats + _SLACK * np.eye(STOPS)
    side = np.einsum("nki,nk->ni", weighted, t) + _SLACK * np.linspace(0, 1, STOPS)
    stops = np.linalg.solve(square, side[..., None])[..., 0].clip(0.0, 1.0)
    error = np.einsum("nki,ni->nk", hats, stops) - t
    return low, high, stops, (weight * error * error).sum(1)


def _samples(strokes: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Points in each stroke `[N, K, 2]`, and how much of it each stands for `[N, K]`, one in all."""
    curves, t = Curves(strokes, scale), np.linspace(0, 1, _BODY)
    tangent, radius = curves.tangent(t), radii(strokes, t, scale)
    aside = np.linspace(-0.92, 0.92, _ASIDE)
    across = radius[:, :, None, None] * aside[:, None] * normal(tangent)[:, :, None]
    points = [(curves.point(t)[:, :, None] + across).reshape(len(strokes), -1, 2)]
    step = np.linalg.norm(curves.velocity(t), axis=-1) / _BODY
    weights = [np.repeat(step * 2 * radius / _ASIDE, _ASIDE, axis=1)]
    angle = np.linspace(-1.4, 1.4, _FAN)
    for end, sign in ((0, -1.0), (-1, 1.0)):
        axes = np.stack([tangent[:, end], normal(tangent[:, end])], 1)
        fan = np.stack([np.cos(angle), np.sin(angle)], -1) @ axes
        for share in (0.4, 0.85):
            points.append(curves.point(t)[:, end, None] + sign * share * radius[:, end, None, None] * fan)
            weights.append(np.repeat((math.pi / 4 / _FAN) * radius[:, end, None] ** 2, _FAN, axis=1))
    weight = np.concatenate(weights, axis=1) + 1e-9
    return np.concatenate(points, axis=1), weight / weight.sum(axis=1, keepdims=True)


def _nearest(strokes: np.ndarray, points: np.ndarray, scale: float) -> np.ndarray:
    """The parameter of the disc that reaches furthest over each point, `[N, K]`."""
    t = np.linspace(0, 1, _NEAR)
    centers, radius = Curves(strokes, scale).point(t), radii(strokes, t, scale)
    smallest, best = np.full(points.shape[:2], np.inf), np.zeros(points.shape[:2])
    for k in range(_NEAR):
        gap = np.hypot(points[..., 0] - centers[:, k, None, 0], points[..., 1] - centers[:, k, None, 1])
        gap -= radius[:, k, None]
        closer = gap < smallest
        smallest, best = np.where(closer, gap, smallest), np.where(closer, t[k], best)
    return best
