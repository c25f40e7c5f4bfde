"""The quadratic Bézier curves that strokes follow."""

from __future__ import annotations

import numpy as np


class Curves:
    """B(t) = b0 + b1·t + b2·t² of strokes `[N, ≥6]`: x0 y0 x1 y1 x2 y2, the control point a ratio of the way."""

    def __init__(self, strokes: np.ndarray, scale: float) -> None:
        self.chord = (strokes[:, 4:6] - strokes[:, 0:2]) * scale
        self.b0 = strokes[:, 0:2] * scale
        self.b1 = 2 * self.chord * strokes[:, 2:4]
        self.b2 = self.chord - self.b1

    def point(self, t: np.ndarray) -> np.ndarray:
        """`[N, K, 2]` at t `[N, K]` or `[K]`."""
        t = t[..., None]
        return self.b0[:, None] + t * (self.b1[:, None] + t * self.b2[:, None])

    def velocity(self, t: np.ndarray) -> np.ndarray:
        """dB/dt `[N, K, 2]`."""
        return self.b1[:, None] + 2 * t[..., None] * self.b2[:, None]

    def tangent(self, t: np.ndarray) -> np.ndarray:
        """Its direction `[N, K, 2]`; where the curve stands still that of the chord, or of the x axis."""
        velocity = self.velocity(t) + 1e-6 * self.chord[:, None] + [1e-9, 0.0]
        return velocity / np.maximum(np.linalg.norm(velocity, axis=-1, keepdims=True), 1e-30)

    def direction(self) -> np.ndarray:
        """The direction of the chord `[N, 2]`; of the x axis if there is none."""
        chord = self.chord + [1e-9, 0.0]
        return chord / np.linalg.norm(chord, axis=-1, keepdims=True)

    def knots(self, count: int) -> np.ndarray:
        """`[N, 2·count − 1]` parameters from 0 to 1: evenly spaced ones, and between them some evenly spaced by angle,
        which lie close together where the curve bends."""
        even = np.linspace(0.0, 1.0, count)
        start, end = self.tangent(np.zeros(1))[:, 0], self.tangent(np.ones(1))[:, 0]
        turn = np.arctan2(_cross(start, end), (start * end).sum(-1))
        angle = turn[:, None] * np.linspace(0.0, 1.0, count + 1)[1:-1]
        wanted = np.stack(
            [
                start[:, :1] * np.cos(angle) - start[:, 1:] * np.sin(angle),
                start[:, 1:] * np.cos(angle) + start[:, :1] * np.sin(angle),
            ],
            -1,
        )
        down = 2 * _cross(self.b2[:, None], wanted)
        safe = np.where(np.abs(down) > 1e-12, down, 1.0)
        t = np.where(np.abs(down) > 1e-12, -_cross(self.b1[:, None], wanted) / safe, 0.5).clip(0.0, 1.0)
        return np.sort(np.concatenate([np.broadcast_to(even, (len(t), count)), t], axis=1), axis=1)

    def turn(self) -> np.ndarray:
        """By how much each turns `[N]`, radians, at most a quarter turn."""
        start, end = self.tangent(np.zeros(1))[:, 0], self.tangent(np.ones(1))[:, 0]
        return np.abs(np.arctan2(_cross(start, end), (start * end).sum(-1)))


def normal(tangent: np.ndarray) -> np.ndarray:
    """Tangents `[..., 2]`, turned by a quarter turn from x to y."""
    return np.stack([-tangent[..., 1], tangent[..., 0]], -1)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
