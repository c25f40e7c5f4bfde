"""Windows of a large canvas, and the work done on one: pure functions of tensors that any process can run."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuralpaint.images.palette import Palette
from neuralpaint.search.optim.adam import AdamRows
from neuralpaint.search.optim.descent import Descent
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import EDGE, Part, Setting, part_problem
from neuralpaint.search.seeding import error_map, look_at, mean_cells

WINDOW = 1024  # core size, in pixels
UNLIMITED = 1 << 20  # working pixels along the shorter side
HALO = 1.5  # width of the halo, in blocks of the phase
_COLORS = 4


@torch.no_grad()
def weigh(setting: Setting, part: Part, halo: int, crop: Tensor, strokes: Tensor, side: float, cell: int) -> Tensor:
    """Sampling weight of new strokes of about `side` pixels, for each cell of cell² pixels of `part`.

    `crop` and `strokes` cover the part plus `halo` pixels on each side, because the error is blurred.
    """
    seen = part.grown(halo)
    problem = part_problem(setting, seen, crop)
    weight = problem.weight(*problem.photo.shape[1:])
    error = error_map(problem.photo, problem.draw(strokes.to(problem.device), part.size), side, weight)
    top, left = part.top - seen.top, part.left - seen.left
    own = error[top : top + part.bottom - part.top, left : left + part.right - part.left]
    return mean_cells(own, cell).cpu()


@torch.no_grad()
def sample_photo(
    setting: Setting, part: Part, crop: Tensor, x: Tensor, y: Tensor, side: float
) -> tuple[Tensor, Tensor]:
    """(angle, colour) of the photo at pixels (x, y) of the whole canvas, from the `crop` of this part."""
    photo = part_problem(setting, part, crop).photo
    tangents = setting.guide.tangents_at(x / part.width, y / part.height)
    angle, color = look_at(photo, x - part.left, y - part.top, side, tangents)
    return angle.cpu(), color.cpu()


def importance(setting: Setting, part: Part, crop: Tensor, strokes: Tensor) -> Tensor:
    """`[N]`: `Problem.importance` of each stroke in this part."""
    problem = part_problem(setting, part, crop)
    return problem.importance(strokes.to(problem.device), part.size).cpu()


def descend(
    setting: Setting,
    part: Part,
    crop: Tensor,
    strokes: Tensor,
    block: Tensor,
    moving: Tensor,
    adam: AdamRows,
    rates: list[float],
    softnesses: list[float],
    palette: Palette | None = None,
    prefixes: tuple[int, ...] = (),
) -> tuple[Tensor, AdamRows, float]:
    """Gradient steps on the strokes `[N, P]` visible in a part; only those in the mask `moving` `[N]` move. `prefixes`
    as in `Descent`: numbers of these strokes.

    Returns:
        The moving strokes `[M, P]`, the optimiser's state of these, and the mean squared error before the last step.
        Strokes that would extend beyond the part, where the loss does not see them, are returned unchanged.
    """
    problem = part_problem(setting, part, crop)
    strokes, device = strokes.to(problem.device), problem.device
    mask = moving.to(device)
    moves = mask.to(strokes.dtype)
    block, adam = block.to(device), adam.to(device)
    descent = Descent(problem, strokes, block, part.size, rates, softnesses, moves, palette, prefixes, adam)
    for _ in rates:
        descent.step()
    before, after = strokes[mask], descent.strokes[mask]
    inside = part.holding(setting.brush.bounds(after), EDGE)
    moved = torch.where(inside[:, None], after, before).cpu()
    return moved, descent.adam.select(mask).to("cpu"), float(descent.square / descent.numbers)


def cuts(length: int, core: int, shifted: bool) -> list[int]:
    """Boundaries that cut `length` pixels into cores of about `core`; if `shifted`, the first is half a core."""
    count = max(1, math.ceil(length / core - 0.25))
    if count == 1:
        return [0, length]
    inner = [round((k + (0.5 if shifted else 1.0)) * length / count) for k in range(count if shifted else count - 1)]
    return [0, *inner, length]


def windows(size: int, pixels: tuple[int, int], core: int, halo: int, shifted: bool) -> list[tuple[int, Part, Part]]:
    """(colour, core, window) for all windows of a canvas of (height, width) `pixels`, sorted by colour."""
    height, width = pixels
    rows, columns = cuts(height, core, shifted), cuts(width, core, shifted)
    found = [
        ((i % 2) * 2 + j % 2, Part(size, height, width, left, top, right, bottom))
        for i, (top, bottom) in enumerate(zip(rows, rows[1:], strict=False))
        for j, (left, right) in enumerate(zip(columns, columns[1:], strict=False))
    ]
    return [(color, own, own.grown(halo)) for color, own in sorted(found, key=lambda window: window[0])]


def core_for(preset: Preset, window: int) -> int:
    """Core size in pixels: at least large enough that windows of the same colour do not touch."""
    return max(window, math.ceil(3.2 * HALO * 1.25 * preset.block_pixels) + 16)


def larger_than(pixels: tuple[int, int], core: int) -> bool:
    """Whether a canvas of (height, width) `pixels` needs more than one window."""
    return any(len(cuts(length, core, False)) > 2 for length in pixels)
