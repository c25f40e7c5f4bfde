"""What brushes share that follow a Bézier curve: x0 y0 x1 y1 x2 y2, then radius0 radius2 unless they say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neuralpaint.brushes.base import Brush
from neuralpaint.brushes.outlines import POINTS, curve_points
from neuralpaint.brushes.turning import Turning

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes.geometry import Geometry
    from neuralpaint.brushes.starts import Between, Spots

_SAMPLES = 32  # of a curve, between which the nearest point is then found
CURVE: tuple[str, ...] = ("x0", "y0", "x1", "y1", "x2", "y2", "radius0", "radius2")


class CurveBrush(Brush):
    """A quadratic Bézier from (x0, y0) to (x2, y2), swept by a disc whose radius runs from radius0 / 4 to radius2 / 4.

    Its control point is (x0 + x1·(x2 − x0), y0 + y1·(y2 − y0)).
    """

    placement = CURVE
    examples_between = {
        "x0": (0.15, 0.3),
        "y0": (0.15, 0.85),
        "x2": (0.7, 0.85),
        "y2": (0.15, 0.85),
        "radius0": (0.2, 0.5),
        "radius2": (0.05, 0.5),
        "a": (0.75, 1.0),
    }

    @property
    def geometry(self) -> Geometry:
        from neuralpaint.brushes.geometry import DiscPath

        return DiscPath()

    def along(self, strokes: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """By the nearest point of the curve; in its ends, by the way along its tangent there."""
        import torch

        # From the start of the curve; x and y apart, as sums over an axis of two numbers take long.
        x, y = x - strokes[:, 0:1], y - strokes[:, 1:2]
        chord_x, chord_y = strokes[:, 4:5] - strokes[:, 0:1], strokes[:, 5:6] - strokes[:, 1:2]
        b1_x, b1_y = 2 * chord_x * strokes[:, 2:3], 2 * chord_y * strokes[:, 3:4]
        b2_x, b2_y = chord_x - b1_x, chord_y - b1_y
        t, least = torch.zeros_like(x), torch.full_like(x, torch.inf)
        for k in range(_SAMPLES + 1):
            u = k / _SAMPLES
            distance = (x - (b1_x + b2_x * u) * u).square_().add_((y - (b1_y + b2_y * u) * u).square_())
            t.masked_fill_(distance < least, u)
            least = torch.minimum(distance, least, out=least)
        for _ in range(2):  # Newton's steps for the derivative of the distance
            away_x, away_y = x - (b1_x + b2_x * t) * t, y - (b1_y + b2_y * t) * t
            velocity_x, velocity_y = b1_x + 2 * b2_x * t, b1_y + 2 * b2_y * t
            curvature = velocity_x.square() + velocity_y.square() - 2 * (away_x * b2_x + away_y * b2_y)
            move = (away_x * velocity_x + away_y * velocity_y) / curvature.clamp(min=1e-9)
            t = (t + move.clamp(-1 / _SAMPLES, 1 / _SAMPLES)).clamp(0, 1)
        length = torch.hypot(chord_x, chord_y)
        beyond = torch.zeros_like(t)
        for end, tangent_x, tangent_y in ((0.0, b1_x, b1_y), (1.0, b1_x + 2 * b2_x, b1_y + 2 * b2_y)):
            over = (x - chord_x * end) * tangent_x + (y - chord_y * end) * tangent_y
            over = over / torch.hypot(tangent_x, tangent_y).clamp(min=1e-9)
            beyond = torch.where(t == end, over.clamp(min=0) if end else over.clamp(max=0), beyond)
        first, last = self._overhang(strokes)
        return ((t * length + beyond + first) / (length + first + last).clamp(min=1e-6)).clamp(0, 1)

    def _overhang(self, strokes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """How far it reaches beyond the start and the end of the curve: `[N, 1]` each, in units."""
        return strokes[:, 6:7] / 4, strokes[:, 7:8] / 4

    def _reach(self, lengths: torch.Tensor) -> torch.Tensor:
        return lengths.amax(-1) / 4

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = np.linspace(0, 1, POINTS)
        return curve_points(strokes), ((1 - t) * strokes[:, 6:7] + t * strokes[:, 7:8]) / 2

    @property
    def turning(self) -> Turning:
        return Turning(0, 4, 6, 2, 0.5)

    def _lay(self, strokes: torch.Tensor, at: Spots, between: Between) -> None:
        import torch

        half = 0.25 * at.block * between(0.7, 1.3)
        dx, dy = torch.cos(at.angle) * half, -torch.sin(at.angle) * half
        strokes[:, 0], strokes[:, 1], strokes[:, 4], strokes[:, 5] = at.x - dx, at.y - dy, at.x + dx, at.y + dy
        strokes[:, 2], strokes[:, 3] = between(0.3, 0.7), between(0.3, 0.7)
        strokes[:, 6] = 0.8 * at.block * between(0.7, 1.3)
        strokes[:, 7] = 0.8 * at.block * between(0.7, 1.3)

    def _start(self, strokes: torch.Tensor, between: Between) -> None:
        strokes[:, 2:4] = 0.5
