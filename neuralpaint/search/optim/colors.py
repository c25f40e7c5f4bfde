"""Colours of strokes from a palette: which entry each stroke takes, chosen by the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from neuralpaint.brushes import Brush
from neuralpaint.images.palette import Palette
from neuralpaint.search.problem import Problem

ROUNDS = 4
_PROBES = 2  # random pictures that the curvature is estimated from
_SHARE = 0.5  # of the strokes that would gain by another colour, changed at once
_CHUNK = 1 << 14  # strokes compared with all colours at once: bounds memory use


class ColorChoice:
    """Moves strokes from one colour of the palette to another wherever that lowers the squared error.

    The picture is nearly linear in the colour c of one stroke, so that changing it to q changes the squared error by
    g·(q − c) + w·|q − c|², where g is the gradient and w the sum of the squares of the stroke's weights over the
    pixels. g is exact; w is the mean square of the gradients of a picture of random signs (Hutchinson's estimator of a
    diagonal: Bekas, Kokiopoulou & Saad, "An estimator for the diagonal of a matrix", 2007). All strokes choose at once,
    so only a random half of them changes in a round, and a round that raises the error is undone.

    Args:
        moving: `[N]`, 1 for strokes whose colour may change, 0 for others; by default all.
    """

    def __init__(self, problem: Problem, palette: Palette, size: int, moving: Tensor | None = None) -> None:
        self._problem, self._size, self._moving = problem, size, moving
        self._colors = torch.tensor(palette.colors, dtype=torch.float32, device=problem.device)
        self._target, self._canvas = problem.view(size), problem.blank(*problem.pixels(size))
        self._weight = problem.weight(*problem.pixels(size))
        slots = problem.brush.colors
        # Each slot is one choice: the columns of one colour, or of all if the stroke has one colour throughout.
        self._slots = [slots] if problem.opaque else [(slot,) for slot in slots]

    @torch.no_grad()
    def improve(self, strokes: Tensor, softness: float, turn: int) -> Tensor:
        """Strokes `[N, P]` of the palette's colours with no larger error.

        Args:
            softness: edge width in pixels.
            turn: how often this was called before: with the problem's seed it decides the random numbers.
        """
        generator = torch.Generator("cpu").manual_seed((self._problem.seed * 1_000_003 + turn) % 2**63)
        weight = self._weights(strokes, softness, generator)
        best, lowest, share = strokes, None, _SHARE
        for _ in range(ROUNDS + 1):
            error, gradient = self._problem.loss(
                strokes, self._target, self._canvas, self._size, softness, self._weight, (0.0, 1.0)
            )
            if lowest is None or error < lowest:
                best, lowest, slope = strokes, error, gradient
            else:
                share /= 2
            changed = self._changed(best, slope, weight, share, generator)
            if changed is None:
                break
            strokes = changed
        return best

    def _weights(self, strokes: Tensor, softness: float, generator: torch.Generator) -> Tensor:
        """`[N, slots]`: the sum of squares of each stroke's weights over the pixels."""
        total = torch.zeros(len(strokes), len(self._slots), device=strokes.device)
        for _ in range(_PROBES):
            signs = torch.randint(0, 2, self._target.shape, generator=generator, dtype=torch.int8, device="cpu")
            weighted = 2.0 * signs - 1
            if self._weight is not None:
                weighted = weighted * self._weight[0].cpu().sqrt()
            with torch.enable_grad():
                moved = strokes.detach().requires_grad_()
                picture = self._problem.draw(moved, self._size, softness)
                (gradient,) = torch.autograd.grad(picture, moved, weighted.to(picture))
            total += torch.stack([self._of(gradient, slot).square().mean(1) for slot in self._slots], 1)
        return total / _PROBES

    @staticmethod
    def _of(gradient: Tensor, slot: tuple[slice, ...]) -> Tensor:
        return torch.stack([gradient[:, part] for part in slot]).sum(0)

    def _changed(
        self, strokes: Tensor, gradient: Tensor, weight: Tensor, share: float, generator: torch.Generator
    ) -> Tensor | None:
        """Strokes of which a random share has the colour that it would gain most by; None if none gains."""
        changed, gains = strokes.clone(), False
        for index, slot in enumerate(self._slots):
            slope, own = self._of(gradient, slot), strokes[:, slot[0]]
            chosen, gain = self._best(own, slope, weight[:, index])
            drawn = torch.rand(len(strokes), generator=generator, dtype=torch.float32, device="cpu") < share
            wanted = gain < 0
            if self._moving is not None:
                wanted &= self._moving > 0
            gains = gains or bool(wanted.any())
            mask = (wanted & drawn.to(wanted.device))[:, None]
            for part in slot:
                changed[:, part] = torch.where(mask, self._colors[chosen], changed[:, part])
        return changed if gains else None

    def _best(self, own: Tensor, slope: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """(index of the colour, change of the error) `[N]` each."""
        found = []
        for c, g, w in zip(*(part.split(_CHUNK) for part in (own, slope, weight[:, None])), strict=True):
            away = self._colors - c[:, None]
            change = (g[:, None] * away).sum(-1) + w * away.square().sum(-1)
            found.append(change.min(1))
        return torch.cat([part.indices for part in found]), torch.cat([part.values for part in found])


def snap(strokes: Tensor, brush: Brush, palette: Palette, opaque: bool) -> Tensor:
    """Strokes `[N, P]` with each colour replaced by the nearest in the palette (in OKLab); if `opaque`, all of a stroke
    by the one nearest to their mean, and its opacity by 1."""
    snapped = strokes.clone()
    if len(strokes) == 0:
        return snapped
    colors = strokes.new_tensor(palette.colors)
    rgb = torch.stack([strokes[:, part] for part in brush.colors], 1)
    if opaque:
        rgb = rgb.mean(1, keepdim=True).expand_as(rgb)
        snapped[:, brush.opacity] = 1.0
    index = torch.from_numpy(palette.nearest(rgb.detach().cpu().numpy())).to(strokes.device)
    for k, part in enumerate(brush.colors):
        snapped[:, part] = colors[index[:, k]]
    return snapped
