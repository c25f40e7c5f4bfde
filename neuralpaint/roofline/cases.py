"""The cases of `neuralpaint bench`: the ops at sizes typical of painting and of training data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush, brush_kinds, get_brush
from neuralpaint.roofline.work import Work, composite_work, paths_work, rasterize_work, render_work, sinkhorn_work


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        op: name of an op, or "generate" or "paint".
        variant: brush, dtype, cost … that distinguishes rows of the same op.
        backward: whether gradients are included.
        shape: human-readable shape of the data.
        count, unit: number and kind of items per call.
        build: takes a device, returns (function to time, its work).
        rounds: minimum number of timed rounds.
    """

    op: str
    variant: str
    backward: bool
    shape: str
    count: int
    unit: str
    build: Callable[[torch.device], tuple[Callable[[], Any], Work]]
    rounds: int = 5

    @property
    def name(self) -> str:
        """The name in ASCII, because the profiler drops other characters."""
        shape = self.shape.replace("×", "x").replace("²", "^2")
        return f"{self.op} {self.variant} {shape} {self.direction}"

    @property
    def direction(self) -> str:
        return "fwd+bwd" if self.backward else "fwd"


def cases(quick: bool = False) -> Iterator[Case]:
    """All cases, or with `quick` one or two per op."""
    names = list(brush_kinds())
    for name in ["oil", "tape"] if quick else names:
        yield rasterize(name, 64, 128)
    yield rasterize("oil", 64, 128, dtype=torch.uint8)
    if not quick:
        yield rasterize("tape", 64, 128, dtype=torch.uint8)
        for size, count in ((32, 1024), (512, 4), (1024, 1)):
            yield rasterize("oil", count, size)
        yield rasterize("oil", 64, 128, backward=True)
        yield rasterize("watercolor", 64, 128, backward=True)
    for backward in (False, True):
        yield composite(25, 9, 128, backward)
    for name in ["oil"] if quick else names:
        yield render(name, 25, 9, 128, False)
        yield render(name, 25, 9, 128, True)
    for name in ["oil"] if quick else names:
        yield search_step(name, 500, 512)
    for backward in (False, True):
        yield paths(256, 256, backward)
    yield sinkhorn(4, 48, "sqeuclidean", True)
    if not quick:
        yield sinkhorn(25, 48, "sqeuclidean", True)
        yield sinkhorn(1, 48, "euclidean", True)
    yield generate("oil", 256, 128)
    yield painting("oil", 100 if quick else 500, 128 if quick else 256, "fast")


def sample(brush: Brush, count: int, device: torch.device) -> Tensor:
    """`[count, P]`: random strokes with a fixed seed."""
    return brush.sample(count, torch.Generator().manual_seed(0)).to(device)


def small_strokes(brush: Brush, count: int, device: torch.device) -> Tensor:
    """`[count, P]` strokes as in a painting: each in a randomly placed block of a quarter of the canvas side."""
    generator = torch.Generator().manual_seed(0)
    corners = 0.75 * torch.rand(count, 2, generator=generator)
    return brush.transform(brush.sample(count, generator), 0.25, corners).to(device)


def rasterize(name: str, count: int, size: int, backward: bool = False, dtype: torch.dtype = torch.float32) -> Case:
    """Each stroke on its own canvas."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        brush = get_brush(name)
        strokes = sample(brush, count, device)
        maps = ops.rasterize(strokes, brush, size, size, dtype=dtype)
        work = rasterize_work(*maps, backward)
        if not backward:
            return lambda: ops.rasterize(strokes, brush, size, size, dtype=dtype), work
        leaf, grads = strokes.requires_grad_(), tuple(torch.ones_like(m) for m in maps)
        return lambda: torch.autograd.grad(ops.rasterize(leaf, brush, size, size), leaf, grads), work

    variant = f"{name}, {_short(dtype)}"
    return Case("rasterize", variant, backward, f"{count}×{size}²", count, "strokes", build)


def composite(batch: int, count: int, size: int, backward: bool) -> Case:
    """Foregrounds and alpha maps onto canvases."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        generator = torch.Generator().manual_seed(0)
        shapes = ((batch, 3, size, size), (batch, count, 3, size, size), (batch, count, 1, size, size))
        maps = [torch.rand(shape, generator=generator).to(device) for shape in shapes]
        work = composite_work(batch, count, size * size, 4, backward)
        if not backward:
            return lambda: ops.composite(*maps), work
        grad = torch.ones_like(maps[0])
        leaves = [m.requires_grad_() for m in maps]
        return lambda: torch.autograd.grad(ops.composite(*leaves), leaves, grad), work

    return Case("composite", "float32", backward, f"{batch}×{count}×{size}²", batch * count, "strokes", build)


def render(name: str, batch: int, count: int, size: int, backward: bool) -> Case:
    """Random strokes, up to the size of the canvas."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        brush = get_brush(name)
        canvas = torch.ones(batch, 3, size, size, device=device)
        strokes = sample(brush, batch * count, device).unflatten(0, (batch, count))
        work = render_work(canvas, strokes, brush, backward)
        if not backward:
            return lambda: ops.render(canvas, strokes, brush), work
        grad = torch.ones_like(canvas)
        leaves = canvas.requires_grad_(), strokes.requires_grad_()
        return lambda: torch.autograd.grad(ops.render(canvas, strokes, brush), leaves, grad), work

    return Case("render", name, backward, f"{batch}×{count}×{size}²", batch * count, "strokes", build)


def search_step(name: str, count: int, size: int) -> Case:
    """The inner loop of a search: squared error and its gradient with respect to all strokes."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        brush = get_brush(name)
        canvas = torch.ones(1, 3, size, size, device=device)
        target, strokes = torch.full_like(canvas, 0.5), small_strokes(brush, count, device)[None]
        work = render_work(canvas, strokes, brush, backward=True)
        return lambda: ops.render_loss(canvas, strokes, brush, target), work

    return Case("render_loss", name, True, f"{count} on {size}²", count, "strokes", build)


def uneven_discs(count: int, radius: float, device: torch.device) -> Tensor:
    """`[1, count, 4, 4, 2]`: closed paths of four curves around random places of a square canvas, in its units."""
    generator = torch.Generator().manual_seed(0)
    angles = 2 * math.pi * torch.arange(12) / 12
    ring = torch.stack([torch.cos(angles), torch.sin(angles)], 1)
    sizes = radius * (0.3 + 1.4 * torch.rand(count, 1, 1, generator=generator))
    uneven = sizes * (0.8 + 0.4 * torch.rand(count, 12, 1, generator=generator)) * ring
    knots = torch.rand(count, 1, 2, generator=generator) + uneven
    return knots[:, (torch.arange(0, 12, 3)[:, None] + torch.arange(4)) % 12][None].to(device)


def paths(count: int, size: int, backward: bool) -> Case:
    """Closed, filled paths of four curves, as `vectorize` has them, and the gradient by their points and colours."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        canvas, points = torch.ones(1, 3, size, size, device=device), uneven_discs(count, 0.08, device)
        fill = torch.rand(1, count, 4, generator=torch.Generator().manual_seed(1)).to(device)
        work = paths_work(canvas, points, backward)
        if not backward:
            return lambda: ops.render_paths(canvas, points, fill=fill), work
        grad = torch.ones_like(canvas)
        leaves = points.requires_grad_(), fill.requires_grad_()
        return lambda: torch.autograd.grad(ops.render_paths(canvas, points, fill=fill), leaves, grad), work

    return Case("render_paths", "fills", backward, f"{count} on {size}²", count, "paths", build)


def sinkhorn(batch: int, size: int, cost: str, backward: bool) -> Case:
    """Five iterations at ε = 0.01, as in the paper."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        generator = torch.Generator().manual_seed(0)
        masses = [(torch.rand(batch, size, size, generator=generator) + 1e-3).to(device) for _ in range(2)]
        dtype = torch.float64 if device.type == "cpu" else torch.float32
        work = sinkhorn_work(batch, size, size, 5, cost == "euclidean", backward, dtype)
        if not backward:
            return lambda: ops.sinkhorn(*masses, cost=cost), work  # type: ignore[arg-type]
        leaves = [mass.requires_grad_() for mass in masses]
        return lambda: torch.autograd.grad(ops.sinkhorn(*leaves, cost=cost).sum(), leaves), work  # type: ignore[arg-type]

    return Case("sinkhorn", cost, backward, f"{batch}×{size}²", batch, "images", build)


def generate(name: str, count: int, size: int) -> Case:
    """Training data for a neural renderer: random strokes, drawn as uint8."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        brush, generator = get_brush(name), torch.Generator().manual_seed(0)

        def step() -> tuple[Tensor, Tensor]:
            strokes = brush.sample(count, generator).to(device)
            return ops.rasterize(strokes, brush, size, size, dtype=torch.uint8)

        return step, rasterize_work(*step(), False)

    return Case("generate", f"{name}, uint8", False, f"{count}×{size}²", count, "strokes", build)


def painting(name: str, count: int, size: int, preset: str) -> Case:
    """A complete search on `synthetic_photo`: from the photo in memory to the strokes."""

    def build(device: torch.device) -> tuple[Callable[[], Any], Work]:
        from neuralpaint.search import paint

        photo = synthetic_photo(size).to(device)
        return lambda: paint(photo, name, count, preset, device=device), Work()

    return Case("paint", f"{name}, {preset}", False, f"{count} on {size}²", count, "strokes", build, rounds=3)


def synthetic_photo(size: int = 256) -> Tensor:
    """`[3, size, size]`: a sky with a sun, hills and a striped field, with smooth shading and fine detail."""
    y, x = torch.meshgrid(*(torch.linspace(0, 1, size),) * 2, indexing="ij")
    photo = torch.stack([0.45 + 0.4 * y, 0.6 + 0.2 * y, 0.9 - 0.2 * y])
    sun = torch.exp(-((x - 0.72) ** 2 + (y - 0.25) ** 2) / 0.006)
    photo += sun * torch.tensor([0.4, 0.2, -0.4]).view(3, 1, 1)
    hills = y > 0.55 + 0.08 * torch.sin(7 * x) + 0.02 * torch.sin(31 * x)
    photo = torch.where(hills, torch.stack([0.15 + 0.2 * x, 0.35 - 0.1 * x, 0.2 + 0.1 * y]), photo)
    stripes = 0.5 + 0.5 * torch.sin(60 * (x - 0.5) / (y - 0.4).clamp(min=0.1))
    field = torch.stack([0.7 - 0.2 * stripes, 0.6 - 0.1 * stripes, 0.2 + 0.1 * stripes])
    return torch.where(y > 0.78, field, photo).clamp(0, 1)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
