"""Parts of a large canvas, and what is done to one: pure functions of tensors, which any process can call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from neuralpaint.brushes import Brush
from neuralpaint.renderers import Renderer
from neuralpaint.search.descent import Descent
from neuralpaint.search.initial import error_map, look_at, mean_cells
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import Problem

EDGE = 2.0  # pixels by which an antialiased edge may reach beyond a stroke's outline


@dataclass(frozen=True)
class Part:
    """A rectangle of pixels of a canvas that has `size` pixels along its shorter side and `height` × `width` in all."""

    size: int
    height: int
    width: int
    left: int
    top: int
    right: int
    bottom: int

    def grown(self, by: int) -> Part:
        """With `by` more pixels on every side, where the canvas has them."""
        left, top = max(0, self.left - by), max(0, self.top - by)
        right, bottom = min(self.width, self.right + by), min(self.height, self.bottom + by)
        return Part(self.size, self.height, self.width, left, top, right, bottom)

    def touching(self, bounds: Tensor) -> Tensor:
        """`[N]` bool: which strokes of these bounds `[N, 4]` (units) show in it."""
        x0, y0, x1, y1 = (bounds * self.size).unbind(1)
        low, high = self.left - 2 * EDGE, self.top - 2 * EDGE
        return (x1 >= low) & (x0 <= self.right + 2 * EDGE) & (y1 >= high) & (y0 <= self.bottom + 2 * EDGE)

    def holding(self, bounds: Tensor, margin: float) -> Tensor:
        """`[N]` bool: which strokes lie inside, `margin` pixels from its sides. The canvas's own sides do not count."""
        x0, y0, x1, y1 = (bounds * self.size).unbind(1)
        left = -math.inf if self.left == 0 else self.left + margin
        top = -math.inf if self.top == 0 else self.top + margin
        right = math.inf if self.right == self.width else self.right - margin
        bottom = math.inf if self.bottom == self.height else self.bottom - margin
        return (x0 >= left) & (x1 <= right) & (y0 >= top) & (y1 <= bottom)

    def owning(self, bounds: Tensor) -> Tensor:
        """`[N]` bool: which strokes have the middle of their bounds in it. Of parts that cover a canvas, one owns each
        stroke."""
        middle = (bounds[:, :2] + bounds[:, 2:]) * (0.5 * self.size)
        last = torch.tensor([self.width, self.height], device=bounds.device)
        x, y = middle.clamp_min(0).minimum(last - 1).unbind(1)
        return (x >= self.left) & (x < self.right) & (y >= self.top) & (y < self.bottom)

    def crop(self, photo: Tensor) -> Tensor:
        """What `photo` `[3, height, width]` shows there."""
        return photo[:, self.top : self.bottom, self.left : self.right].clone()


@dataclass(frozen=True)
class Setting:
    """What the parts of one search share."""

    brush: Brush
    preset: Preset
    ground: tuple[float, float, float]
    renderer: Renderer
    aspect: tuple[float, float]
    device: str


@dataclass
class PartProblem(Problem):
    """A part of a canvas as a problem: its pixels only, but strokes in the whole canvas's units."""

    setting: Setting | None = None
    part: Part | None = None

    @cached_property
    def aspect(self) -> tuple[float, float]:
        assert self.setting is not None
        return self.setting.aspect

    @cached_property
    def origin(self) -> Tensor:
        assert self.part is not None
        x, y = self.part.left / self.part.size, self.part.top / self.part.size
        return torch.tensor([[x, y]], device=self.device)

    def pixels(self, size: int) -> tuple[int, int]:
        height, width = self.photo.shape[1:]
        return height, width

    def view(self, size: int) -> Tensor:
        return self.photo


def part_problem(setting: Setting, part: Part, crop: Tensor | None = None) -> PartProblem:
    """The problem of painting one part; `crop`, uint8 `[3, h, w]`, is what the photo shows there."""
    height, width = part.bottom - part.top, part.right - part.left
    device = torch.device(setting.device)
    photo = torch.empty(3, height, width, device=device) if crop is None else crop.to(device).float().div_(255)
    return PartProblem(
        photo, setting.brush, 0, setting.preset, setting.ground, setting.renderer, 0, setting=setting, part=part
    )


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
