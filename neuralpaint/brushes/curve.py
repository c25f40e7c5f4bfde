"""What brushes share that follow a Bézier curve: x0 y0 x1 y1 x2 y2 radius0 radius2."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neuralpaint.brushes.base import Brush
from neuralpaint.brushes.outlines import POINTS, curve_points

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes.geometry import Geometry

CURVE = ("x0", "y0", "x1", "y1", "x2", "y2", "radius0", "radius2")


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

    def _reach(self, lengths: torch.Tensor) -> torch.Tensor:
        return lengths.amax(-1) / 4

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = np.linspace(0, 1, POINTS)
        return curve_points(strokes), ((1 - t) * strokes[:, 6:7] + t * strokes[:, 7:8]) / 2

    def _lay(
        self,
        strokes: torch.Tensor,
        block: float,
        x: torch.Tensor,
        y: torch.Tensor,
        angle: torch.Tensor,
        between: Callable[[float, float], torch.Tensor],
    ) -> None:
        import torch

        half = 0.25 * block * between(0.7, 1.3)
        dx, dy = torch.cos(angle) * half, -torch.sin(angle) * half
        strokes[:, 0], strokes[:, 1], strokes[:, 4], strokes[:, 5] = x - dx, y - dy, x + dx, y + dy
        strokes[:, 2], strokes[:, 3] = between(0.3, 0.7), between(0.3, 0.7)
        strokes[:, 6] = 0.8 * block * between(0.7, 1.3)
        strokes[:, 7] = 0.8 * block * between(0.7, 1.3)

    def _start(self, strokes: torch.Tensor, between: Callable[[float, float], torch.Tensor]) -> None:
        strokes[:, 2:4] = 0.5
