"""Where the next strokes start, and as what: at the error, with the photo's colour, along its edges."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from neuralpaint.brushes import Brush
from neuralpaint.guides.guide import NO_GUIDE, Guide
from neuralpaint.guides.tangents import structure_tensor
from neuralpaint.images.resample import box_blur

_TINY = 1e-12
_ERROR_BLUR, _ANGLE_BLUR = 0.12, 0.15  # radii, of a stroke's length
_USUAL_ASPECT = 2.0  # about the length by the width of strokes as they are laid
_STRETCH = (0.8, 1.6)  # limits of how much more slender they may be
_EDGELESS = 1e-3  # squared change of colour, over two pixels, below which a photo has no edges


def edge_angle(photo: Tensor, radius: int) -> Tensor:
    """The direction along which a photo `[3, H, W]` changes least: `[H, W]`, radians, counter-clockwise as seen.

    The minor axis of the structure tensor, blurred over `radius` pixels.
    """
    return _angle(_edges(photo, radius))


def _edges(photo: Tensor, radius: int) -> Tensor:
    """(cos 2φ, sin 2φ) `[2, H, W]` of that direction φ, times how much the photo changes across it."""
    xx, yy, xy = box_blur(structure_tensor(photo), radius)
    return torch.stack([yy - xx, -2 * xy])


def _angle(vectors: Tensor) -> Tensor:
    return 0.5 * torch.atan2(vectors[1], vectors[0])


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
    noise = -torch.log(
        -torch.log(
            torch.rand(weight.shape, generator=generator, dtype=torch.float32, device=generator.device).clamp(
                _TINY, 1 - 1e-7
            )
        )
    )
    first = min(count, len(weight))
    chosen = (weight.log() + 0.5 * noise).topk(first).indices
    if first < count:
        chosen = torch.cat([chosen, torch.multinomial(weight, count - first, True, generator=generator)])
    inside = torch.rand(2, count, generator=generator, dtype=torch.float32, device=generator.device)
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
    guide: Guide = NO_GUIDE,
    shortest: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Strokes for where `canvas` differs most from `photo` (both `[3, H, W]` on one device).

    Their length is about `block` units, less where the guide wants detail, at least `shortest`. They lie along the
    photo's edges, where it has none as the guide says, and have its colour.

    Returns:
        `[count, P]` on the photo's device, positions in units; and how long each is to be, `[count]`.
    """
    height, width = photo.shape[1:]
    side = block * pixels_per_unit
    cell = cell_side(side)
    error = error_map(photo, canvas, side, guide.weight(height, width, device=str(photo.device)))
    x, y = draw_cells(mean_cells(error, cell), count, cell, height, width, generator)
    across, down = x / width, y / height
    angle, color = look_at(photo, x, y, side, guide.tangents_at(across, down))
    blocks = (block * guide.sizes_at(across, down)).clamp_min(shortest)
    x, y = x / pixels_per_unit, y / pixels_per_unit
    strokes = lay_strokes(brush, blocks, x, y, angle.cpu(), color.cpu(), generator, guide)
    return strokes.to(photo.device), blocks.to(photo.device)


def lay_strokes(
    brush: Brush,
    blocks: Tensor,
    x: Tensor,
    y: Tensor,
    angle: Tensor,
    color: Tensor,
    generator: torch.Generator,
    guide: Guide = NO_GUIDE,
) -> Tensor:
    """Strokes as `Brush.lay` lays them, as slender as the guide's touch is, but for where detail matters."""
    strokes = brush.lay(blocks, x, y, angle, color, generator)
    if guide.touch is None:
        return strokes
    factor = min(max((guide.touch.aspect / _USUAL_ASPECT) ** 0.5, _STRETCH[0]), _STRETCH[1])
    share = (blocks / blocks.max()).square()  # they are small where detail matters
    return brush.stretched(strokes, (1 + (factor - 1) * share)[:, None])


def cell_side(side: float) -> int:
    """Pixels along a cell of which one stroke is drawn at a time, for strokes of about `side` pixels."""
    return max(1, round(0.35 * side))


def error_map(photo: Tensor, canvas: Tensor, side: float, weight: Tensor | None = None) -> Tensor:
    """`[H, W]`: where strokes of about `side` pixels are wanted on `canvas` `[3, H, W]`, whose pixels count by `weight`
    `[1, 1, H, W]`."""
    error = (canvas - photo).square().sum(0).sqrt()
    error = box_blur(error, max(1, round(_ERROR_BLUR * side))).square()
    return error if weight is None else error * weight[0, 0]


def look_at(photo: Tensor, x: Tensor, y: Tensor, side: float, tangents: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What a photo `[3, H, W]` has at pixels (x, y), `[count]` each, for strokes of about `side` pixels: angle of its
    edges `[count]`, radians, and colour `[3, count]`, on the photo's device. Where it has no edges, the angle is that
    of `tangents` `[2, count]` (see `guides.tangents`)."""
    height, width = photo.shape[1:]
    row, column = y.long().clamp(0, height - 1), x.long().clamp(0, width - 1)
    maps = torch.cat([_edges(photo, max(1, round(_ANGLE_BLUR * side))), box_blur(photo, 2, passes=1)])
    found = maps[:, row.to(photo.device), column.to(photo.device)]
    edges = found[:2] if tangents is None else found[:2] + _EDGELESS * tangents.to(found)
    return _angle(edges), found[2:]


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
    row, column = (at // side).float(), (at % side).float()
    x, y = (column + 0.5) / side, (row + 0.5) / side
    color = photo.flatten(2).gather(2, at.to(photo.device)[:, None, None].expand(-1, 3, 1))[..., 0].cpu()
    return brush.start(x, y, color, generator).to(photo.device)
