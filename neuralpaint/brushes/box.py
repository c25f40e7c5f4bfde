"""What brushes share whose strokes fill a box: xc yc w h theta."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neuralpaint.brushes.base import Brush
from neuralpaint.brushes.outlines import box_line, box_outline
from neuralpaint.brushes.turning import Turning

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes.geometry import Geometry
    from neuralpaint.brushes.starts import Between, Spots

RECTANGLE = ("xc", "yc", "w", "h", "theta")


class BoxBrush(Brush):
    """A rectangle around (xc, yc) with half-sides share·w and share·h, turned by π·theta."""

    placement = RECTANGLE
    angle = 4
    share: ClassVar[float] = 0.5
    examples_between = {"xc": (0.5, 0.5), "yc": (0.5, 0.5), "w": (0.5, 0.95), "h": (0.25, 0.55), "a": (0.75, 1.0)}

    @property
    def geometry(self) -> Geometry:
        from neuralpaint.brushes.geometry import Box

        return Box(self.share)

    def _reach(self, lengths: torch.Tensor) -> torch.Tensor:
        return lengths.norm(dim=-1) * self.share

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return box_line(strokes, self.share)

    def _outline(self, strokes: np.ndarray) -> np.ndarray:
        return box_outline(strokes, self.share)

    @property
    def turning(self) -> Turning:
        return Turning(-1, 4, 2, 2, 4 * self.share**2)

    def _lay(self, strokes: torch.Tensor, at: Spots, between: Between) -> None:
        import torch

        size = at.block * (0.4 / self.share)
        strokes[:, 0], strokes[:, 1] = at.x, at.y
        strokes[:, 2] = size * between(0.7, 1.3)
        strokes[:, 3] = size * between(0.35, 0.65)
        strokes[:, 4] = torch.remainder(at.angle / math.pi, 1.0)

    def stretched(self, strokes: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        changed = strokes.clone()
        changed[:, 2] *= factor[:, 0]
        changed[:, 3] /= factor[:, 0]
        return changed

    def _start(self, strokes: torch.Tensor, between: Between) -> None:
        strokes[:, 4:5] = between(0, 1)
