"""The last steps of a painting in a style: its strokes move by the style loss, and keep to the style's colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralpaint.images.color_map import ColorMap
from neuralpaint.images.oklab import from_oklab, to_oklab
from neuralpaint.images.resample import resize
from neuralpaint.losses.style import StyleLoss, pixels
from neuralpaint.painting.painting import Painting
from neuralpaint.renderers import Renderer
from neuralpaint.search.restyle import Restyle
from neuralpaint.search.styled.target import StyleTarget

RADIUS = 0.045
"""How far a colour may go from where transport has put it, in OKLab: about twice what is just noticeable."""
_RATE = (0.01, 0.002)


class Retouch(Restyle):
    """Restyles a painting of a `StyleTarget`.

    The colours of the strokes, weighted by how much of each is seen, are moved to those of the style's picture by
    optimal transport. From there none goes further than `RADIUS` while the strokes move. Content is the target, in
    colour and weighted by detail, without transport of light.

    Args:
        detail: `[h, w]` of mean 1: how much each place of the target counts; None: all count the same.
        strength: 0, colours begin as they are, to 1, where transport puts them.
    """

    def __init__(
        self,
        painting: Painting,
        target: StyleTarget,
        style: StyleLoss,
        renderer: Renderer,
        *,
        weight: float,
        steps: int,
        strength: float = 1.0,
        detail: Tensor | None = None,
    ) -> None:
        self._home: np.ndarray | None = None  # OKLab [N, colours, 3], where transport has put the colours
        picture = target.picture.to(painting.strokes.device)
        self._detail: Tensor | float = 1.0
        if detail is not None:
            height, width = pixels(*painting.aspect, style.size)
            self._detail = resize(detail[None], height, width)[None].to(picture)
        super().__init__(painting, picture, style, renderer, weight=weight, steps=steps, rate=_RATE)
        slots = self.brush.colors
        colors = np.stack([self._start[:, slot].cpu().numpy() for slot in slots], 1)
        seen = self._seen().cpu().numpy().clip(0)
        weights = np.repeat(seen[:, None], len(slots), 1).ravel() + 1e-6
        moved = ColorMap(colors.reshape(-1, 3), target.colors, weights)(colors)
        self._home = to_oklab(colors + strength * (moved - colors))
        self.strokes = self._limited(self.strokes)
        self._parameters = self.strokes / self._ranges.scale

    def _seen(self) -> Tensor:
        """`[N]`: the area in which each stroke is seen, in pixels."""
        strokes = self.strokes.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(self._draw(strokes).sum(), strokes)
        return gradient[:, self.brush.colors[0].start : self.brush.opacity].sum(1)

    def _losses(self, canvas: Tensor, coarse: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        pixel = ((canvas - self._photo).abs() * self._detail).mean()
        return self.style(canvas, coarse=coarse), pixel, torch.zeros_like(pixel)

    def report(self) -> dict[str, Any]:
        """As `Restyle.report`, with ℓ1 to the target in colour."""
        found = super().report()
        found["l1_target"] = found.pop("l1_grey")
        return found

    def _limited(self, strokes: Tensor) -> Tensor:
        limited = super()._limited(strokes)
        if self._home is None:
            return limited
        for k, slot in enumerate(self.brush.colors):
            limited[:, slot] = torch.from_numpy(_near(limited[:, slot].cpu().numpy(), self._home[:, k])).to(limited)
        return limited


def _near(colors: np.ndarray, home: np.ndarray) -> np.ndarray:
    """The nearest to sRGB colours `[N, 3]` that are within `RADIUS` of `home` `[N, 3]`, OKLab."""
    away = to_oklab(colors) - home
    far = np.linalg.norm(away, axis=1, keepdims=True)
    return np.where(far > RADIUS, from_oklab(home + away * (RADIUS / np.maximum(far, 1e-9))), colors)
