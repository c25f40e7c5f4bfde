"""The exact renderer: the vector rasterizer itself, at any resolution."""

from __future__ import annotations

from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush


class ExactRenderer:
    """Renders by `neuralpaint.ops.render`, whose gradients are those of the pixels that it draws."""

    def render(
        self,
        canvas: Tensor,
        strokes: Tensor,
        brush: Brush,
        *,
        softness: float = 1.0,
        origin: Tensor | None = None,
        pixels_per_unit: float | None = None,
    ) -> Tensor:
        return ops.render(canvas, strokes, brush, softness=softness, origin=origin, pixels_per_unit=pixels_per_unit)
