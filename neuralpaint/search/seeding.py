"""Where the next strokes start, and as what: at the error, with the photo's colour, along its edges."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.brushes import Brush
from neuralpaint.brushes.base import TAPE
from neuralpaint.images.resample import box_blur

_TINY = 1e-12
_ERROR_BLUR, _ANGLE_BLUR = 0.12, 0.15  # radii, of a stroke's length


def edge_angle(photo: Tensor, radius: int) -> Tensor:
    """The direction along which a photo `[3, H, W]` changes least: `[H, W]`, radians, counter-clockwise as seen.

    The minor axis of the structure tensor, blurred over `radius` pixels.
    """
    padded = F.pad(photo.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    dx = padded[1:-1, 2:] - padded[1:-1, :-2]
    dy = padded[:-2, 1:-1] - padded[2:, 1:-1]  # y points up, as angles do
    xx, yy, xy = box_blur(torch.stack([dx * dx, dy * dy, dx * dy]), radius)
    return 0.5 * torch.atan2(2 * xy, xx - yy) + math.pi / 2


def seed_positions(error: Tensor, count: int, cell: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draws `count` pixels where `error` `[H, W]` is large, spread out: no cell of cell² pixels is drawn twice before
    every cell is. Returns x and y in pixels, `[count]`, anywhere inside their pixel, on the generator's device."""
    height, width = error.shape
    return draw_cells(mean_cells(error, cell), count, cell, height, width, generator)


def mean_cells(error: Tensor, cell: int) -> Tensor:
    """`[H, W]` averaged over cells of cell² pixels, less at the far borders: `[⌈H/cell⌉, ⌈W/cell⌉]`."""
    return F.avg_pool2d(error[None, None], cell, cell, ceil_mode=True)[0, 0]


def draw_cells(
    cells: Tensor, count: int, cell: int, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """As `seed_positions`, from the cells of a picture of height × width pixels."""
    weight = cells.flatten().clamp_min(_TINY).to(generator.device)
    # Gumbel noise turns the top k into a draw without replacement; half of it, so that large errors come first.
    noise = -torch.log(-torch.log(torch.rand(weight.shape, generator=generator).clamp(_TINY, 1 - 1e-7)))
    first = min(count, len(weight))
    chosen = (weight.log() + 0.5 * noise).topk(first).indices
    if first < count:
        chosen = torch.cat([chosen, torch.multinomial(weight, count - first, True, generator=generator)])
    inside = torch.rand(2, count, generator=generator)
    x = (chosen % cells.shape[1] + inside[0]) * cell
    y = (chosen // cells.shape[1] + inside[1]) * cell
    return x.clamp(0, width - 1e-3), y.clamp(0, height - 1e-3)


def new_strokes(
    photo: Tensor,
    canvas: Tensor,
    brush: Brush,
    count: int,
    block: float,
    pixels_per_unit: float,
    generator: torch.Generator,
) -> Tensor:
    """Strokes for where `canvas` differs most from `photo` (both `[3, H, W]` on one device).

    Their length is about `block` units; they lie along the photo's edges and have its colour.

    Returns:
        `[count, P]` on the photo's device, positions in units.
    """
    height, width = photo.shape[1:]
    side = block * pixels_per_unit
    cell = cell_side(side)
    x, y = draw_cells(mean_cells(error_map(photo, canvas, side), cell), count, cell, height, width, generator)
    angle, color = look_at(photo, x, y, side)
    return lay_strokes(brush, block, x / pixels_per_unit, y / pixels_per_unit, angle.cpu(), color.cpu(), generator).to(
        photo.device
    )


def cell_side(side: float) -> int:
    """Pixels along a cell of which one stroke is drawn at a time, for strokes of about `side` pixels."""
    return max(1, round(0.35 * side))


def error_map(photo: Tensor, canvas: Tensor, side: float) -> Tensor:
    """`[H, W]`: where strokes of about `side` pixels are wanted on `canvas` `[3, H, W]`."""
    error = (canvas - photo).square().sum(0).sqrt()
    return box_blur(error, max(1, round(_ERROR_BLUR * side))).square()


def look_at(photo: Tensor, x: Tensor, y: Tensor, side: float) -> tuple[Tensor, Tensor]:
    """What a photo `[3, H, W]` has at pixels (x, y), `[count]` each, for strokes of about `side` pixels: angle of its
    edges `[count]`, radians, and colour `[3, count]`, on the photo's device."""
    height, width = photo.shape[1:]
    row, column = y.long().clamp(0, height - 1), x.long().clamp(0, width - 1)
    maps = torch.cat([edge_angle(photo, max(1, round(_ANGLE_BLUR * side)))[None], box_blur(photo, 2, passes=1)])
    angle, *color = maps[:, row.to(photo.device), column.to(photo.device)]
    return angle, torch.stack(color)


def lay_strokes(
    brush: Brush, block: float, x: Tensor, y: Tensor, angle: Tensor, color: Tensor, generator: torch.Generator
) -> Tensor:
    """Strokes about `block` units long at (x, y) in units, at that angle and of that colour: `[count, P]`, on the CPU,
    where the arguments are."""
    count = len(x)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    strokes = torch.zeros(count, brush.count)
    if brush.boxed:
        size = block * (1.6 if brush.kind == TAPE else 0.8)  # tape's half-sides are a quarter of its numbers
        strokes[:, 0], strokes[:, 1] = x, y
        strokes[:, 2] = size * between(0.7, 1.3)
        strokes[:, 3] = size * between(0.35, 0.65)
        strokes[:, 4] = torch.remainder(angle / math.pi, 1.0)
    else:
        half = 0.25 * block * between(0.7, 1.3)
        dx, dy = torch.cos(angle) * half, -torch.sin(angle) * half
        strokes[:, 0], strokes[:, 1], strokes[:, 4], strokes[:, 5] = x - dx, y - dy, x + dx, y + dy
        strokes[:, 2], strokes[:, 3] = between(0.3, 0.7), between(0.3, 0.7)
        strokes[:, 6] = 0.8 * block * between(0.7, 1.3)
        strokes[:, 7] = 0.8 * block * between(0.7, 1.3)
    strokes[:, 5 if brush.boxed else 8 : brush.shape.stop] = 0.5  # what an engine has besides
    for part in brush.colors:
        strokes[:, part] = color.T
    strokes[:, brush.opacity] = 0.9
    for index, value in brush.held:
        strokes[:, index] = value
    return strokes


def paper_strokes(photo: Tensor, canvas: Tensor, brush: Brush, generator: torch.Generator) -> Tensor:
    """One new stroke for each block, as SNP §3.3 starts them: at a pixel drawn by the fourth power of the blurred
    error, small, at any angle, with the photo's colour there.

    Args:
        photo, canvas: `[B, 3, S, S]` on one device.

    Returns:
        `[B, P]` on that device, in block coordinates (1 = the block's side).
    """
    batch, _, _, side = photo.shape
    error = (canvas - photo).abs().mean(1, keepdim=True)
    radius = max(1, side // 16)
    error = box_blur(error, radius, passes=1).pow(4).flatten(1)
    at = torch.multinomial(error.to(generator.device) + _TINY, 1, generator=generator)[:, 0]
    row, column = at // side, at % side
    x, y = (column + 0.5) / side, (row + 0.5) / side
    color = photo.flatten(2).gather(2, at.to(photo.device)[:, None, None].expand(-1, 3, 1))[..., 0].cpu()

    def between(low: float, high: float, count: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(batch, count, generator=generator)

    strokes = torch.zeros(batch, brush.count)
    strokes[:, list(brush.x_positions)] = x[:, None]
    strokes[:, list(brush.y_positions)] = y[:, None]
    strokes[:, list(brush.sizes)] = between(0.1, 0.25, 2)
    if brush.boxed:
        strokes[:, 4:5] = between(0, 1)
    else:
        strokes[:, 2:4] = 0.5
    strokes[:, 5 if brush.boxed else 8 : brush.shape.stop] = 0.5
    for part in brush.colors:
        strokes[:, part] = color
    strokes[:, brush.opacity] = between(0.8, 0.98)[:, 0]
    for index, value in brush.held:
        strokes[:, index] = value
    return strokes.to(photo.device)
