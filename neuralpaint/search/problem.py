"""What a search is given, the same for every method."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.images import resize
from neuralpaint.renderers import ExactRenderer, Renderer
from neuralpaint.search.presets import Preset


@dataclass
class Problem:
    """A photo to paint, and with what.

    Attributes:
        photo: `[3, H, W]` on the search's device.
        ground: the canvas's colour, RGB in [0, 1].
        seed: of the generator from which everything random is drawn (on the CPU, whatever the device).
    """

    photo: Tensor
    brush: Brush
    count: int
    preset: Preset
    ground: tuple[float, float, float]
    renderer: Renderer
    seed: int
    _views: dict[int, Tensor] = field(default_factory=dict, repr=False)

    @cached_property
    def aspect(self) -> tuple[float, float]:
        """(height, width) in units of the shorter side."""
        height, width = self.photo.shape[1:]
        shorter = min(height, width)
        return height / shorter, width / shorter

    @property
    def device(self) -> torch.device:
        return self.photo.device

    @property
    def origin(self) -> Tensor | None:
        """(x, y), in units, of the top-left corner of what `draw` and `loss` show; None for the canvas's own."""
        return None

    def pixels(self, size: int) -> tuple[int, int]:
        """(height, width) in pixels when the shorter side has `size`."""
        return max(1, round(self.aspect[0] * size)), max(1, round(self.aspect[1] * size))

    def view(self, size: int) -> Tensor:
        """The photo with `size` pixels along the shorter side. The last one asked for is kept."""
        if size not in self._views:
            self._views.clear()
            self._views[size] = resize(self.photo, *self.pixels(size))
        return self._views[size]

    def blank(self, height: int, width: int, batch: int = 1) -> Tensor:
        """`[batch, 3, height, width]` of the ground's colour."""
        color = torch.tensor(self.ground, device=self.device).view(1, 3, 1, 1)
        return color.expand(batch, 3, height, width).contiguous()

    def draw(self, strokes: Tensor, size: int, softness: float = 1.0) -> Tensor:
        """Strokes `[N, P]` on the ground, `size` pixels along the shorter side: `[3, H, W]`."""
        canvas = self.blank(*self.pixels(size))
        scale = float(size)
        return self.renderer.render(
            canvas, strokes[None], self.brush, softness=softness, origin=self.origin, pixels_per_unit=scale
        )[0]

    @property
    def fused(self) -> bool:
        """Whether `loss` is one kernel, which never waits for the device; a derived renderer may draw otherwise."""
        return type(self.renderer) is ExactRenderer

    def loss(
        self, strokes: Tensor, target: Tensor, canvas: Tensor, size: int, softness: float | Tensor
    ) -> tuple[Tensor, Tensor]:
        """Σd² and the gradient `[N, P]` of l1 · Σ|d| + l2 · Σd², weighted as the preset says.

        d is what the strokes draw on `canvas` `[1, 3, H, W]` less `target` `[3, H, W]`, `size` pixels along the shorter
        side. A `softness` that is a tensor needs `fused`.
        """
        l1, l2, scale = self.preset.l1, self.preset.l2, float(size)
        if self.fused:
            _, square, gradient = ops.render_loss(
                canvas,
                strokes[None],
                self.brush,
                target[None],
                l1=l1,
                l2=l2,
                softness=softness,
                origin=self.origin,
                pixels_per_unit=scale,
            )
            return square[0], gradient[0]
        with torch.enable_grad():
            strokes = strokes.detach().requires_grad_()
            picture = self.renderer.render(
                canvas, strokes[None], self.brush, softness=float(softness), origin=self.origin, pixels_per_unit=scale
            )
            difference = picture[0] - target
            square = difference.square().sum()
            (gradient,) = torch.autograd.grad(l1 * difference.abs().sum() + l2 * square, strokes)
        return square.detach(), gradient
