"""`VectorImage`: paths on a background, as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
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
        stops: `[K, 5]`, offset, RGB and opacity of the stops of the layout's gradients, one gradient after the other;
            None if it has none.
        gradient_maps: `[G, 8]`, the gradients' maps from the units of the points, as of `render_paths`.
        group_opacity: `[N]`, of the layout's groups; None if it has none.

    Raises:
        ValueError: the layout's gradients or groups have no stops, maps or opacities, or these are given without.
    """

    width: float
    height: float
    background: tuple[float, float, float]
    points: Tensor
    layout: PathLayout
    fill: Tensor
    stroke: Tensor | None = None
    stroke_width: Tensor | None = None
    stops: Tensor | None = None
    gradient_maps: Tensor | None = None
    group_opacity: Tensor | None = None

    def __post_init__(self) -> None:
        gradients, layout = self.layout.gradients.shape[0], self.layout
        _check_count("stops", self.stops, layout.num_stops, "stops")
        _check_count("gradient_maps", self.gradient_maps, gradients, "gradients")
        _check_count("group_opacity", self.group_opacity, len(layout.groups), "groups")

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
        one = torch.ones_like(scale)
        by_map = torch.stack([scale[0], scale[1], one[0], scale[0], scale[1], one[0], one[0], one[0]])
        return render_paths(
            canvas,
            (self.points * scale)[None],
            self.layout,
            fill=self.fill[None],
            stroke=None if self.stroke is None else self.stroke[None],
            width=None if self.stroke_width is None else self.stroke_width[None] * scale.prod().sqrt(),
            stops=None if self.stops is None else self.stops[None],
            gradient_maps=None if self.gradient_maps is None else (self.gradient_maps / by_map)[None],
            group_opacity=None if self.group_opacity is None else self.group_opacity[None],
            pixels_per_unit=1.0,
        )[0]


def _check_count(name: str, tensor: Tensor | None, count: int, things: str) -> None:
    if (0 if tensor is None else len(tensor)) != count:
        have = "none" if tensor is None else str(len(tensor))
        raise ValueError(f"{name} must have one row for each of the layout's {count} {things}, got {have}")
