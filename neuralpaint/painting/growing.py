"""A stroke that is being drawn, from its start to its end."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.painting.boxes import Box, empty, intersection, moved, part

_TIP = 0.08  # of a stroke's length, over which paint appears behind the tip of the brush
_GRID = 96  # samples along the longer side of a stroke's box of how far along its points lie
_ROUNDING = 1e-4  # of interpolated ways


class GrowingStroke:
    """A stroke with its paint, drawn once, and how far along it each pixel lies. What is on the canvas at a time is the
    paint multiplied by a soft edge that moves along the stroke.

    Attributes:
        share: how much of its length is there; `advance` changes it.
        box: the part of the canvas that it may touch.

    Args:
        stroke: `[1, P]`.
        box: not empty.
        pixels_per_unit: pixels in one unit.
    """

    def __init__(self, stroke: Tensor, brush: Brush, box: Box, pixels_per_unit: float) -> None:
        self.box, self.share = box, 0.0
        x0, y0, x1, y1 = box
        # On black it leaves its paint c·α, and what it adds to white is less by α.
        grounds = stroke.new_zeros(2, 3, y1 - y0, x1 - x0)
        grounds[1] = 1.0
        origin = stroke.new_tensor([[x0 / pixels_per_unit, y0 / pixels_per_unit]]).expand(2, 2)
        strokes = stroke.expand(2, 1, -1).contiguous()
        drawn = ops.render(grounds, strokes, brush, origin=origin, pixels_per_unit=pixels_per_unit)
        self._paint = drawn[0]
        self._alpha = 1 - (drawn[1, 1] - drawn[0, 1])
        way = _way(stroke, brush, box, pixels_per_unit)
        self._lowest, self._highest = _between(way)
        size = (y1 - y0, x1 - x0)
        self._way = F.interpolate(way[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
        self._way.mul_(-1 / _TIP)

    def advance(self, share: float) -> Box | None:
        """Goes on to a share of its length, 0 to 1 or more. Returns the box in which that changes the picture."""
        before, self.share = self.share, min(1.0, share)
        # Where the edge, which has the width _TIP, was or is now, or has passed.
        first = before * (1 + _TIP) - _TIP - _ROUNDING
        last = self.share * (1 + _TIP) + _ROUNDING
        if self.share <= before:
            return None
        hit = (self._highest > first) & (self._lowest < last)
        rows, columns = np.flatnonzero(hit.any(1)), np.flatnonzero(hit.any(0))
        if not len(rows):
            return None
        x0, y0, x1, y1 = self.box
        cell_y, cell_x = (y1 - y0) / (hit.shape[0] - 1), (x1 - x0) / (hit.shape[1] - 1)
        changed = (
            int(x0 + (columns[0] - 0.5) * cell_x) - 1,
            int(y0 + (rows[0] - 0.5) * cell_y) - 1,
            int(x0 + (columns[-1] + 0.5) * cell_x) + 2,
            int(y0 + (rows[-1] + 0.5) * cell_y) + 2,
        )
        return intersection(changed, self.box)

    def draw_(self, canvas: Tensor, box: Box) -> None:
        """Draws what is there of the stroke onto a canvas `[3, H, W]`, within a box."""
        box = intersection(box, self.box)
        if empty(box):
            return
        shown, here = part(canvas, box), moved(box, self.box[0], self.box[1])
        paint, alpha = part(self._paint, here), part(self._alpha, here)
        if self.share >= 1:
            shown.addcmul_(shown, alpha, value=-1).add_(paint)
            return
        mask = (part(self._way, here) + self.share * (1 + _TIP) / _TIP).clamp_(0, 1)
        shown.addcmul_(shown, mask * alpha, value=-1).addcmul_(paint, mask)


def _way(stroke: Tensor, brush: Brush, box: Box, pixels_per_unit: float) -> Tensor:
    """How far along a stroke the points of its box lie, `[rows, columns]`, on a coarse grid: it is smooth."""
    x0, y0, x1, y1 = box
    fine = min(1.0, _GRID / max(x1 - x0, y1 - y0))
    columns, rows = (max(1, round(side * fine)) for side in (x1 - x0, y1 - y0))
    x = (torch.arange(columns, device=stroke.device) + 0.5) * ((x1 - x0) / columns) + x0
    y = (torch.arange(rows, device=stroke.device) + 0.5) * ((y1 - y0) / rows) + y0
    grid_y, grid_x = torch.meshgrid(y / pixels_per_unit, x / pixels_per_unit, indexing="ij")
    return brush.along(stroke, grid_x.reshape(1, -1), grid_y.reshape(1, -1)).view(rows, columns)


def _between(way: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The least and greatest value that is interpolated between each four samples, `[rows + 1, columns + 1]`; beyond
    the outermost samples it stays as it is."""
    padded = np.pad(way.cpu().numpy(), 1, mode="edge")
    corners = [padded[i : i + len(way) + 1, j : j + way.shape[1] + 1] for i in (0, 1) for j in (0, 1)]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)
