"""Parts of a large canvas, and what is done to one: pure functions of tensors, which any process can call."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuralpaint.search.optim.descent import Descent
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import EDGE, Part, Setting, part_problem
from neuralpaint.search.seeding import error_map, look_at, mean_cells

WINDOW = 1024  # pixels along a core
UNLIMITED = 1 << 20  # working pixels
HALO = 1.5  # blocks of the phase
_COLORS = 4


@torch.no_grad()
def weigh(setting: Setting, part: Part, halo: int, crop: Tensor, strokes: Tensor, side: float, cell: int) -> Tensor:
    """How much new strokes of about `side` pixels are wanted: a number for each cell of cell² pixels of `part`.

    `crop` and `strokes` are those of the part with `halo` pixels around it, which the blur of the error sees.
    """
    seen = part.grown(halo)
    problem = part_problem(setting, seen, crop)
    error = error_map(problem.photo, problem.draw(strokes.to(problem.device), part.size), side)
    top, left = part.top - seen.top, part.left - seen.left
    own = error[top : top + part.bottom - part.top, left : left + part.right - part.left]
    return mean_cells(own, cell).cpu()


@torch.no_grad()
def look(setting: Setting, part: Part, crop: Tensor, x: Tensor, y: Tensor, side: float) -> tuple[Tensor, Tensor]:
    """`look_at` at these pixels of the whole canvas, from the photo's `crop` of this part."""
    photo = part_problem(setting, part, crop).photo
    angle, color = look_at(photo, x - part.left, y - part.top, side)
    return angle.cpu(), color.cpu()


def visibility(setting: Setting, part: Part, strokes: Tensor) -> Tensor:
    """`[N]`: how much of this part's picture each stroke is, in pixels."""
    problem = part_problem(setting, part)
    strokes = strokes.to(problem.device).requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(problem.draw(strokes, part.size).sum(), strokes)
    return gradient[:, setting.brush.colors[0].start : setting.brush.opacity].sum(1).cpu()


def descend(
    setting: Setting,
    part: Part,
    crop: Tensor,
    strokes: Tensor,
    block: Tensor,
    moving: Tensor,
    rates: list[float],
    softnesses: list[float],
) -> tuple[Tensor, float]:
    """Gradient steps on the `moving` `[N]` of the strokes `[N, P]` that show in a part; the others stay as they are.

    Returns:
        The moving strokes `[M, P]`, and the mean squared error before the last step. Strokes that would leave the part,
        where their other half would be seen by nobody, are given back as they came.
    """
    problem = part_problem(setting, part, crop)
    strokes, device = strokes.to(problem.device), problem.device
    mask = moving.to(device)
    descent = Descent(problem, strokes, block.to(device), part.size, rates, softnesses, mask.to(strokes.dtype))
    for _ in rates:
        descent.step()
    before, after = strokes[mask], descent.strokes[mask]
    inside = part.holding(setting.brush.bounds(after), EDGE)
    return torch.where(inside[:, None], after, before).cpu(), float(descent.mean_square)


def cuts(length: int, core: int, shifted: bool) -> list[int]:
    """Where `length` pixels are cut into cores of about `core`; `shifted` ones begin with half a core."""
    count = max(1, math.ceil(length / core - 0.25))
    if count == 1:
        return [0, length]
    inner = [round((k + (0.5 if shifted else 1.0)) * length / count) for k in range(count if shifted else count - 1)]
    return [0, *inner, length]


def windows(size: int, pixels: tuple[int, int], core: int, halo: int, shifted: bool) -> list[tuple[int, Part, Part]]:
    """(colour, core, window) of all windows of a canvas of these (height, width), those of one colour together."""
    height, width = pixels
    rows, columns = cuts(height, core, shifted), cuts(width, core, shifted)
    found = [
        ((i % 2) * 2 + j % 2, Part(size, height, width, left, top, right, bottom))
        for i, (top, bottom) in enumerate(zip(rows, rows[1:], strict=False))
        for j, (left, right) in enumerate(zip(columns, columns[1:], strict=False))
    ]
    return [(color, own, own.grown(halo)) for color, own in sorted(found, key=lambda window: window[0])]


def core_for(preset: Preset, window: int) -> int:
    """Pixels along a window's core: at least so many that windows of one colour do not touch."""
    return max(window, math.ceil(3.2 * HALO * 1.25 * preset.block_pixels) + 16)


def larger_than(pixels: tuple[int, int], core: int) -> bool:
    """Whether a canvas of these pixels takes more than one window."""
    return any(len(cuts(length, core, False)) > 2 for length in pixels)
