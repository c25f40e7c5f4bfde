"""Tiles of 8×8 pixels that strokes may touch: a pixel network is asked about these only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neuralpaint.renderers.geometry import Geometry

if TYPE_CHECKING:
    from neuralpaint.renderers.coordinate import CoordinateRenderer

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

    def centers(self, part: slice) -> tuple[Tensor, Tensor]:
        """x, y `[m, 64]` of the pixel centres of some pairs, row by row."""
        within = torch.arange(SIDE, device=self.row.device, dtype=torch.float32) + 0.5
        x = (self.column[part] * SIDE).float()[:, None] + within.repeat(SIDE)
        y = (self.row[part] * SIDE).float()[:, None] + within.repeat_interleave(SIDE)
        return x, y

    def scatter(self, colors: Tensor, alphas: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Colours `[M, 64, 3]` and alphas `[M, 64]` as pictures of their strokes: `[count, 3 | 1, H, W]`."""
        index = (self.stroke * self.rows + self.row) * self.columns + self.column
        plane = colors.new_zeros(count * self.rows * self.columns, POINTS * 4)
        values = torch.cat([colors, alphas[..., None]], -1).flatten(1)
        plane = plane.index_copy(0, index, values)
        plane = plane.view(count, self.rows, self.columns, SIDE, SIDE, 4).permute(0, 5, 1, 3, 2, 4)
        picture = plane.reshape(count, 4, self.rows * SIDE, self.columns * SIDE)[..., : self.height, : self.width]
        return picture[:, :3], picture[:, 3:]


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
    if geometry.kind != "canvas" and len(stroke):
        center = torch.stack([column, row], 1).to(strokes.dtype) * SIDE + SIDE / 2
        center = center / softness
        frame = geometry.frame(strokes[stroke], center[:, :1], center[:, 1:], origin[stroke], scale / softness)
        # Chebyshev distance of a square tip changes by up to √2 a pixel
        reach = (SIDE / 2 * 2**0.5) * (2**0.5 if geometry.kind == "square path" else 1) / softness + geometry.margin
        near = frame.edges[:, 0].amin(-1) > -reach
        stroke, row, column = stroke[near], row[near], column[near]
    return Tiles(stroke, row, column, height, width)


def gather_points(
    network: CoordinateRenderer,
    strokes: Tensor,
    tiles: Tiles,
    scale: float,
    origin: Tensor | None = None,
    softness: float = 1.0,
    chunk: int = 4096,
) -> tuple[Tensor, Tensor]:
    """What the network paints in each pair's tile: colours `[M, 64, 3]`, alphas `[M, 64]`.

    Pairs go through in chunks. Under autograd each chunk is computed again for its gradient, so that memory holds the
    activations of one chunk, however many there are.
    """
    from torch.utils.checkpoint import checkpoint

    if origin is None:
        origin = strokes.new_zeros(len(strokes), 2)

    def run(part: slice, strokes: Tensor) -> tuple[Tensor, Tensor]:
        index = tiles.stroke[part]
        x, y = tiles.centers(part)
        return network.points_of(strokes[index], x, y, scale, origin[index], softness)

    if not len(tiles):
        return strokes.new_zeros(0, POINTS, 3), strokes.new_zeros(0, POINTS)
    parts = [slice(k, k + chunk) for k in range(0, len(tiles), chunk)]
    if torch.is_grad_enabled() and len(parts) > 1:
        results = [checkpoint(run, part, strokes, use_reentrant=False) for part in parts]
    else:
        results = [run(part, strokes) for part in parts]
    return torch.cat([c for c, _ in results]), torch.cat([a for _, a in results])
