"""`TransportLoss`: optimal transport distance between images."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from neuralpaint.images.resample import area_pool
from neuralpaint.ops import sinkhorn
from neuralpaint.ops.sinkhorn import MAX_ITERATIONS
from neuralpaint.utils.validation import check_positive, check_whole


class TransportLoss(nn.Module):
    """Smoothed Wasserstein distance between canvas and target, with each image channel as a mass distribution.

    A pixel loss has no gradient with respect to the position of a stroke that does not overlap its target. The
    transport cost does: it decreases steadily as mass moves closer to where it should be.

    Images are averaged down to a small grid. The intensities of each channel (`"light"`), their complements
    (`"dark"`), or each in turn (`"both"`) are the masses, and `neuralpaint.ops.sinkhorn` computes the cost of moving
    the canvas's mass to the target's. The loss is the mean over channels and kinds of mass. Masses are normalised, so
    the loss depends on where light is, not on how much there is: combine it with a pixel loss. Light strokes on a dark
    background show in the "light" mass, dark strokes on white in the "dark" one; if the background has most of the
    mass, strokes change the loss only a little.

    Args:
        epsilon: entropic regularization, in units of the cost; the sides of the image are 1.
        iterations: number of Sinkhorn iterations.
        size: longest side of the grid, in pixels; smaller images are not resized.
        cost: `"sqeuclidean"` or `"euclidean"`: cost as a function of distance.
        mass: `"light"`, `"dark"` or `"both"`.
        debias: subtract half the cost of moving each image onto itself, which the smoothing makes positive, so that the
            loss of equal images is 0. Takes three times as long.
        floor: mass added to every pixel. It gives a blank image a uniform mass and bounds the gradient at pixels
            without mass. Values far above the default hide distant strokes from each other.
        reduction: `"mean"` over the batch, or `"none"`.

    Shape:
        canvas, target `[B, C, H, W]`, values clamped to [0, 1] -> a scalar, or `[B]` for `reduction="none"`.

    Raises:
        TypeError, ValueError: an argument has the wrong type, shape or range; the message names it.

    References:
        Zou et al., "Stylized Neural Painting", CVPR 2021, section 3.4 (light; one random channel per step).
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
        self.iterations = check_whole("iterations", iterations, 1, MAX_ITERATIONS)
        self.size = check_whole("size", size, 1)
        self.cost = cost
        self.mass = mass
        self.debias = debias
        self.floor = check_positive("floor", floor)
        self.reduction = reduction

    def forward(self, canvas: Tensor, target: Tensor) -> Tensor:
        """The loss, differentiable with respect to both. ValueError if the shapes do not match."""
        if canvas.ndim != 4 or canvas.shape != target.shape:
            raise ValueError(
                f"canvas and target must be [B, C, H, W] of the same shape, got {list(canvas.shape)} and "
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
        """`[B · masses, h, w]`: all mass distributions of the images."""
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
