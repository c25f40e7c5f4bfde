"""`TransportLoss`: how far the light of one image would have to travel to become another."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from neuralpaint.images.resample import area_pool
from neuralpaint.ops import sinkhorn
from neuralpaint.utils.validation import check_positive, check_whole


class TransportLoss(nn.Module):
    """Smoothed Wasserstein distance between canvas and target, each channel of an image taken as a mass on its grid.

    A pixel loss has no gradient by the place of a stroke that does not touch what it should cover. The cost of
    transport has: it falls steadily as mass comes nearer to where it is wanted.

    Images are averaged down to a small grid; there each channel's intensities (`"light"`), their complements
    (`"dark"`), or either in turn (`"both"`) are two masses, and `neuralpaint.ops.sinkhorn` gives the cost of moving one
    onto the other. The loss is the mean over channels and kinds of mass. As masses are normalised, it tells where light
    is and not how much: use it beside a pixel loss. A light stroke on dark stands out in the light, a dark stroke on
    white in the dark; against a background that carries most of the mass, either moves the loss little.

    Args:
        epsilon: entropic smoothing, in units of the cost; the image's sides are 1.
        iterations: number of Sinkhorn iterations.
        size: longest side of the grid, in pixels; a smaller image keeps its own.
        cost: `"sqeuclidean"` or `"euclidean"`, of the distance moved.
        mass: `"light"`, `"dark"` or `"both"`.
        debias: subtract half of the cost of moving either image onto itself, which the smoothing makes positive. The
            loss of equal images is then 0. Three times the work.
        floor: mass that every pixel has besides its own. It gives a blank image a defined, uniform mass and bounds the
            gradient by a pixel without mass; far more than the default hides distant strokes from each other.
        reduction: `"mean"` over the batch, or `"none"`.

    Shape:
        canvas, target `[B, C, H, W]`, values in [0, 1] (clamped to it) -> a scalar, or `[B]` for `reduction="none"`.

    Raises:
        TypeError, ValueError: an argument is of the wrong type, shape or range; the message names it.

    References:
        Zou et al., "Stylized Neural Painting", CVPR 2021, section 3.4 (light, one channel drawn at random a step).
        Genevay et al., "Learning generative models with Sinkhorn divergences", AISTATS 2018 (`debias`).
    """

    def __init__(
        self,
        *,
        epsilon: float = 0.01,
        iterations: int = 5,
        size: int = 48,
        cost: Literal["sqeuclidean", "euclidean"] = "sqeuclidean",
        mass: Literal["light", "dark", "both"] = "both",
        debias: bool = False,
        floor: float = 1e-6,
        reduction: Literal["mean", "none"] = "mean",
    ) -> None:
        super().__init__()
        for name, value, allowed in (
            ("cost", cost, ("sqeuclidean", "euclidean")),
            ("mass", mass, ("light", "dark", "both")),
            ("reduction", reduction, ("mean", "none")),
        ):
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
        self.epsilon = check_positive("epsilon", epsilon)
        self.iterations = check_whole("iterations", iterations, 1)
        self.size = check_whole("size", size, 1)
        self.cost = cost
        self.mass = mass
        self.debias = debias
        self.floor = check_positive("floor", floor)
        self.reduction = reduction

    def forward(self, canvas: Tensor, target: Tensor) -> Tensor:
        """The loss of `canvas` against `target`, differentiable by both. ValueError if their shapes don't fit."""
        if canvas.ndim != 4 or canvas.shape != target.shape:
            raise ValueError(
                f"canvas and target must be [B, C, H, W] of one shape, got {list(canvas.shape)} and "
                f"{list(target.shape)}"
            )
        batch = canvas.shape[0]
        x, y = self._masses(canvas), self._masses(target)
        if self.debias:
            costs = self._transport(torch.cat([x, x, y]), torch.cat([y, x, y])).reshape(3, batch, -1).mean(2)
            loss = costs[0] - (costs[1] + costs[2]) / 2
        else:
            loss = self._transport(x, y).reshape(batch, -1).mean(1)
        return loss.mean() if self.reduction == "mean" else loss

    def _masses(self, image: Tensor) -> Tensor:
        """`[B · masses, h, w]`, the masses of an image next to each other."""
        image = image if image.dtype == torch.float64 else image.float()
        height, width = image.shape[2:]
        grid = (min(height, self.size), min(width, self.size))
        if grid != (height, width):
            image = area_pool(image, grid)
        light = image.clamp(0, 1)
        kinds = {"light": (light,), "dark": (1 - light,), "both": (light, 1 - light)}[self.mass]
        return torch.cat(kinds, 1).flatten(0, 1) + self.floor

    def _transport(self, x: Tensor, y: Tensor) -> Tensor:
        return sinkhorn(x, y, epsilon=self.epsilon, iterations=self.iterations, cost=self.cost)

    def extra_repr(self) -> str:
        names = ("epsilon", "iterations", "size", "cost", "mass", "debias", "floor", "reduction")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
