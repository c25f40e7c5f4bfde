"""`VectorImage`: paths on a background, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neuralpaint.ops import PathLayout, render_paths
from neuralpaint.utils.validation import check_whole

MAX_SIDE = 65536


@dataclass(frozen=True, eq=False)
class VectorImage:
    """A picture of filled and stroked paths, back to front.

    Attributes:
        width, height: its size, in the units of the points.
        background: RGB in [0, 1].
        points: `[S, 4, 2]`, the control points (x, y) of cubic segments; x to the right, y down.
        layout: how the segments make up P paths.
        fill: `[P, 4]`, RGB and opacity in [0, 1].
        stroke: `[P, 4]`, the same of the strokes; None if there are none.
        stroke_width: `[P]`; None if there are no strokes.
        miter_limit: as of `render_paths`.

    Raises:
        ValueError: the layout has gradients or groups, whose colours and opacities a `VectorImage` does not hold.
    """

    width: float
    height: float
    background: tuple[float, float, float]
    points: Tensor
    layout: PathLayout
    fill: Tensor
    stroke: Tensor | None = None
    stroke_width: Tensor | None = None
    miter_limit: float = 4.0

    def __post_init__(self) -> None:
        if len(self.layout.gradients) or self.layout.groups:
            raise ValueError("layout must have no gradients and no groups: draw it with neuralpaint.ops.render_paths")

    def pixels(self, size: int | None = None) -> tuple[int, int]:
        """(height, width) in pixels for a shorter side of `size`; None: one pixel a unit.

        Raises:
            ValueError: a side would have no or more than 65,536 pixels.
        """
        scale = 1.0 if size is None else check_whole("size", size, 1, MAX_SIDE) / min(self.width, self.height)
        sides = max(1, round(scale * self.height)), max(1, round(scale * self.width))
        if max(sides) > MAX_SIDE:
            raise ValueError(f"size must leave at most {MAX_SIDE} pixels a side, but gives {sides[1]} x {sides[0]}")
        return sides

    def render(self, size: int | None = None) -> Tensor:
        """Draws the picture.

        Args:
            size: shorter side in pixels; None: one pixel a unit.

        Returns:
            `[3, H, W]`, of the points' dtype, differentiable by points and colours.

        Raises:
            ValueError: a side would have no or more than 65,536 pixels.
        """
        height, width = self.pixels(size)
        color = self.points.new_tensor(self.background)
        canvas = color[:, None, None].expand(1, 3, height, width)
        # Rounded sides: both are scaled by as much as they were.
        scale = self.points.new_tensor([width / self.width, height / self.height])
        return render_paths(
            canvas,
            (self.points * scale)[None],
            self.layout,
            fill=self.fill[None],
            stroke=None if self.stroke is None else self.stroke[None],
            width=None if self.stroke_width is None else self.stroke_width[None] * scale.prod().sqrt(),
            miter_limit=self.miter_limit,
            pixels_per_unit=1.0,
        )[0]
