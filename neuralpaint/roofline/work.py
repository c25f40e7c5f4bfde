"""The work of a call: bytes, operations, exponentials. docs/performance.md derives the numbers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.roofline.limits import Limits


@dataclass(frozen=True)
class Work:
    """The minimum work of a call.

    Attributes:
        written: bytes written by an op that reads almost nothing.
        moved: bytes read and written by an op that does both.
        flops: arithmetic operations.
        exps: exponentials and logarithms.
        dtype: of the arithmetic.
        covered: pixels covered by strokes.
    """

    written: int = 0
    moved: int = 0
    flops: float = 0
    exps: float = 0
    dtype: torch.dtype = torch.float32
    covered: int = 0

    @property
    def bytes(self) -> int:
        return self.written + self.moved

    def limit(self, limits: Limits) -> tuple[str, float] | None:
        """(name of the limit, minimum seconds): the longest of writing, moving and computing.

        Exponentials and other arithmetic use the same execution units, so their times add up.
        """
        times: dict[str, float] = {}
        if self.written:
            times["fill"] = limits.fill(self.written)
        if self.moved:
            times["copy"] = limits.copy(self.moved)
        if self.flops or self.exps:
            exp = self.exps / limits.exps(self.dtype) if self.exps else 0.0
            fma = self.flops / limits.flops(self.dtype) if self.flops else 0.0
            times["FMA + exp" if exp and fma else "exp" if exp else "FMA"] = exp + fma
        if not times:
            return None
        name = max(times, key=lambda key: times[key])
        return name, times[name]


def rasterize_work(foreground: Tensor, alpha: Tensor, backward: bool) -> Work:
    """Forward writes the maps; backward also reads their gradients where the strokes are."""
    written = foreground.nbytes + alpha.nbytes
    covered = int((alpha > 0).sum())
    if not backward:
        return Work(written=written, covered=covered)
    return Work(moved=written + 4 * covered * alpha.element_size(), covered=covered)


def composite_work(batch: int, strokes: int, pixels: int, element: int, backward: bool) -> Work:
    """Forward reads canvas, colours and alpha and writes a canvas; backward reads those and the gradient, and writes a
    gradient for each."""
    values = 3 + 4 * strokes + 3
    if backward:
        values += (3 + 3 + 4 * strokes) + (3 + 4 * strokes)
    return Work(moved=batch * pixels * values * element)


def render_work(canvas: Tensor, strokes: Tensor, brush: Brush, backward: bool) -> Work:
    """Operations on covered pixels that are not hidden by a later opaque stroke; and reading and writing the canvas."""
    covered = visible_pixels(canvas, strokes, brush, backward)
    moved = canvas.nbytes * (5 if backward else 2)
    operations = brush.operations[backward]
    return Work(moved=moved, flops=float(covered) * operations, covered=covered)


def visible_pixels(canvas: Tensor, strokes: Tensor, brush: Brush, backward: bool) -> int:
    """Number of (pixel, stroke) pairs that must be computed: those under fewer fully opaque strokes than the maximum,
    one for the image and two for gradients."""
    batch, _, height, width = canvas.shape
    open_covers = torch.full((batch, height, width), 2 if backward else 1, dtype=torch.int8, device=canvas.device)
    total = 0
    for index in reversed(range(strokes.shape[1])):
        alpha = ops.rasterize(strokes[:, index].detach(), brush, height, width)[1][:, 0]
        total += int(((alpha > 0) & (open_covers > 0)).sum())
        open_covers -= (alpha >= 1).to(torch.int8)
    return total


# Operations on a pixel under a fill, one each for add, multiply, minimum. Forward: its area added to the row's (1), the
# coverage (2), alpha and what it leaves (2), three colours over what is below (9).
_PATH_FORWARD = 14
# Backward: drawn once more (14), coverage and alpha again (4), alpha's derivative (9), the colours' (6), the canvas's
# (3), the opacity's and the area's (6).
_PATH_BACKWARD = 42


def paths_work(canvas: Tensor, points: Tensor, backward: bool) -> Work:
    """Operations on the pixels that each closed path of points `[B, P, S, 4, 2]` covers, in the canvas's units; and
    reading and writing the canvas. The edges, which cross far fewer pixels, are left out."""
    blank = torch.zeros_like(canvas[:, :1]).expand_as(canvas)
    white = canvas.new_ones(canvas.shape[0], 1, 4)
    covered = 0
    for index in range(points.shape[1]):
        covered += int((ops.render_paths(blank, points[:, index : index + 1].detach(), fill=white)[:, 0] > 0).sum())
    operations = _PATH_FORWARD + (_PATH_BACKWARD if backward else 0)
    return Work(moved=canvas.nbytes * (5 if backward else 2), flops=float(covered) * operations, covered=covered)


def sinkhorn_work(
    batch: int, height: int, width: int, iterations: int, euclidean: bool, backward: bool, dtype: torch.dtype
) -> Work:
    """2·iterations log-sum-exps over all pixels, then one sum with the cost; backward about as many, weighted.

    A sum over n pixels takes n·(h + w) multiply-adds with a separable cost and n² otherwise; per pixel, it takes one
    exponential and a logarithm or a second exponential.
    """
    pixels = height * width
    each = pixels * pixels if euclidean else pixels * (height + width)
    with_cost = 1.0 if euclidean else 2.0  # C = rows + columns takes two products
    sums, exps = 2 * iterations + with_cost, (4 * iterations + 3) * pixels
    if backward:
        both = 2.0 if euclidean else 2.5
        sums += 2 * iterations - 2 + with_cost + both
        exps += (4 * iterations + 2) * pixels
    return Work(flops=2.0 * batch * sums * each, exps=float(batch * exps), dtype=dtype)
