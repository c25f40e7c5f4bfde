"""Tiles of 8×8 pixels that strokes may touch: a pixel network is asked about these only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neuralpaint.brushes.geometry import Geometry

SIDE = 8
POINTS = SIDE * SIDE


@dataclass(frozen=True)
class Tiles:
    """Pairs of a stroke and a tile that it may touch, in the order of the strokes.

    Attributes:
        stroke: `[M]` index of each pair's stroke.
        row, column: `[M]` of its tile.
        height, width: of the canvas, in pixels.
    """

    stroke: Tensor
    row: Tensor
    column: Tensor
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.stroke)

    @property
    def rows(self) -> int:
        return -(-self.height // SIDE)

    @property
    def columns(self) -> int:
        return -(-self.width // SIDE)

    def centers(self) -> tuple[Tensor, Tensor]:
        """x, y `[M, 64]` of the pixels' centres, row by row."""
        within = torch.arange(SIDE, device=self.row.device, dtype=torch.float32) + 0.5
        x = (self.column * SIDE).float()[:, None] + within.repeat(SIDE)
        y = (self.row * SIDE).float()[:, None] + within.repeat_interleave(SIDE)
        return x, y

    def scatter(self, colors: Tensor, alphas: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Colours `[M, 3, 64]` and alphas `[M, 64]` as pictures of their strokes: `[count, 3 | 1, H, W]`."""
        index = (self.stroke * self.rows + self.row) * self.columns + self.column
        plane = colors.new_zeros(count * self.rows * self.columns, 4, POINTS)
        plane = plane.index_copy(0, index, torch.cat([colors, alphas[:, None]], 1))
        picture = from_tiles(plane, count, self.rows, self.columns)[..., : self.height, : self.width]
        return picture[:, :3], picture[:, 3:]


def to_tiles(picture: Tensor) -> Tensor:
    """`[B, C, 8·h, 8·w]` as tiles `[B·h·w, C, 64]`."""
    batch, channels, height, width = picture.shape
    tiles = picture.view(batch, channels, height // SIDE, SIDE, width // SIDE, SIDE)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, POINTS)


def from_tiles(tiles: Tensor, batch: int, rows: int, columns: int) -> Tensor:
    """The inverse of `to_tiles`."""
    channels = tiles.shape[1]
    picture = tiles.view(batch, rows, columns, channels, SIDE, SIDE).permute(0, 3, 1, 4, 2, 5)
    return picture.reshape(batch, channels, rows * SIDE, columns * SIDE)


@torch.no_grad()
def cull(
    geometry: Geometry,
    strokes: Tensor,
    height: int,
    width: int,
    scale: float,
    origin: Tensor | None = None,
    softness: float = 1.0,
) -> Tiles:
    """The tiles that strokes `[N, P]` may touch: those in their boxes, less those that lie outside of their outline."""
    if origin is None:
        origin = strokes.new_zeros(len(strokes), 2)
    bounds = geometry.bounds(strokes, origin, scale / softness) * softness
    limits = torch.tensor([width, height, width, height], device=strokes.device, dtype=bounds.dtype)
    bounds = torch.minimum(bounds.clamp(min=0), limits)
    first = (bounds[:, :2] / SIDE).floor().long()
    counts = (bounds[:, 2:] / SIDE).ceil().long() - first
    number = counts.clamp(min=0).prod(1)
    stroke = torch.repeat_interleave(torch.arange(len(strokes), device=strokes.device), number)
    start = number.cumsum(0) - number
    place = torch.arange(len(stroke), device=strokes.device) - start[stroke]
    across = counts[stroke, 0].clamp(min=1)
    column = first[stroke, 0] + place % across
    row = first[stroke, 1] + torch.div(place, across, rounding_mode="floor")
    if geometry.known and len(stroke):
        center = torch.stack([column, row], 1).to(strokes.dtype) * SIDE + SIDE / 2
        center = center / softness
        frame = geometry.frame(strokes[stroke], center[:, :1], center[:, 1:], origin[stroke], scale / softness)
        reach = (SIDE / 2 * 2**0.5) * geometry.slope / softness + geometry.margin
        near = frame.edges[:, 0].amin(-1) > -reach
        stroke, row, column = stroke[near], row[near], column[near]
    return Tiles(stroke, row, column, height, width)


def in_chunks(
    run: Callable[[slice], tuple[Tensor, Tensor]],
    count: int,
    like: Tensor,
    chunk: int = 256,
    keep: int = 16384,
) -> tuple[Tensor, Tensor]:
    """`run` over slices of `count` tiles, its colours `[M, 3, 64]` and alphas `[M, 64]` put together.

    Under autograd, with more than `keep` tiles, each chunk is computed again for its gradient: memory then holds the
    activations of one chunk, however many there are.
    """
    from torch.utils.checkpoint import checkpoint

    if not count:
        return like.new_zeros(0, 3, POINTS), like.new_zeros(0, POINTS)
    parts = [slice(k, min(count, k + chunk)) for k in range(0, count, chunk)]
    if torch.is_grad_enabled() and count > keep:
        results = [checkpoint(run, part, use_reentrant=False, preserve_rng_state=False) for part in parts]
    else:
        results = [run(part) for part in parts]
    return torch.cat([c for c, _ in results]), torch.cat([a for _, a in results])
