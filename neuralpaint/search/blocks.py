"""The progressive search of SNP §3.3. The canvas is divided into 1×1, 2×2 … m×m blocks; in each block, strokes are
added one by one and optimised jointly, on top of the strokes of coarser grids. The blocks of a grid are processed in
batches, usually a single one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neuralpaint.images.resample import resize
from neuralpaint.losses.transport import TransportLoss
from neuralpaint.search.joint import LARGEST_VIEW
from neuralpaint.search.optim.adam import rmsprop_step_
from neuralpaint.search.optim.cuda_graph import Replay
from neuralpaint.search.problem import Problem, Setting
from neuralpaint.search.seeding import paper_strokes
from neuralpaint.search.state import check_presence, take, take_position
from neuralpaint.utils.profiling import span

_OVERLAP = 0.1  # overlap with neighbouring blocks, as a fraction of the side
TOGETHER = 64  # maximum blocks per batch: bounds memory use
_ROWS = 1 << 17  # up to this many blocks × strokes, draw all strokes in all blocks without culling
_MARGIN = 0.1  # shape parameters are clamped to [0.1, 0.9], as in the reference implementation


@dataclass(frozen=True)
class Grid:
    """Square blocks of one size that cover the canvas, or one batch of them: `corners` `[B, 2]` (x, y) and `side`, in
    units."""

    number: int  # 1-based index of the grid
    corners: Tensor
    side: float
    strokes: int  # per block
    extra: int = 0  # number of blocks that get one more stroke, those with the largest error; last grid only

    def batches(self) -> list[Grid]:
        """Splits the grid into batches of at most `TOGETHER` blocks, processed one after another."""
        num_blocks = len(self.corners)
        parts = self.corners.tensor_split(math.ceil(num_blocks / TOGETHER))
        ends = torch.tensor([len(part) for part in parts], device="cpu").cumsum(0).tolist()
        extras = [self.extra * end // num_blocks for end in (0, *ends)]
        return [
            Grid(self.number, part, self.side, self.strokes, last - first)
            for part, first, last in zip(parts, extras, extras[1:], strict=False)
        ]


def block_grid(aspect: tuple[float, float], divide: int) -> tuple[Tensor, float]:
    """Corners `[B, 2]` and side of the blocks when the shorter side is divided by `divide`. Blocks overlap by a tenth,
    or more along the longer side if it is not a whole number of blocks."""
    side = min(1.0, (1 + _OVERLAP) / divide)
    axes = []
    for length in (aspect[1], aspect[0]):
        count = max(1, math.ceil(length * divide - 1e-6))
        last = length - side if count > 1 else 0.0
        axes.append(torch.linspace(0, last, count, dtype=torch.float32, device="cpu"))
    y, x = torch.meshgrid(axes[1], axes[0], indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1), side


def plan(problem: Setting) -> list[Grid]:
    """The grids of a search: the same number of strokes in every block, `problem.num_strokes` in total."""
    grids: list[tuple[Tensor, float]] = []
    blocks = 0
    for divide in range(1, problem.preset.stages + 1):
        corners, side = block_grid(problem.aspect, divide)
        if grids and blocks + len(corners) > problem.num_strokes:
            break
        grids.append((corners, side))
        blocks += len(corners)
    each, left = divmod(problem.num_strokes, blocks)
    planned = [Grid(k, corners, side, each) for k, (corners, side) in enumerate(grids, 1)]
    corners, side = grids[-1]
    # The remaining strokes go to the last grid: `more` to every block, `extra` to some.
    more, extra = divmod(left, len(corners))
    planned[-1] = Grid(len(grids), corners, side, each + more, extra)
    return [part for grid in planned for part in grid.batches() if part.strokes or part.extra]


class BlockSearch:
    """The block search as a stepwise object: call `step()` until `finished`; `state_dict()` is the complete state."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.grids = plan(problem)
        self.generator = torch.Generator("cpu").manual_seed(problem.seed)
        self.grid = 0
        self.done = 0  # steps done in this grid
        self.strokes = torch.zeros(0, problem.brush.num_parameters, dtype=torch.float32, device=problem.device)
        self.mean_square = torch.full((), torch.nan, dtype=torch.float32, device=problem.device)
        self._transport = TransportLoss(mass="light", reduction="none") if problem.preset.transport else None
        self._parameters: Tensor | None = None  # [B, T, P], block coordinates
        self._chosen = torch.zeros(0, dtype=torch.bool, device="cpu")  # [B]: blocks that get the extra stroke
        self._replay: Replay | None = None  # the step for the current number of active strokes

    def _steps(self, grid: Grid) -> int:
        return (grid.strokes + (grid.extra > 0)) * self.problem.preset.steps

    @property
    def step_count(self) -> int:
        return sum(self._steps(grid) for grid in self.grids)

    @property
    def steps_done(self) -> int:
        return sum(self._steps(grid) for grid in self.grids[: self.grid]) + self.done

    @property
    def identity(self) -> dict[str, Any]:
        """Settings that affect the result beyond the problem: none."""
        return {}

    @property
    def levels(self) -> list[int]:
        """How many strokes each grid adds, coarse to fine: in painting order."""
        counts = dict.fromkeys((grid.number for grid in self.grids), 0)
        for grid in self.grids:
            counts[grid.number] += grid.strokes * len(grid.corners) + grid.extra
        return list(counts.values())

    def work(self) -> tuple[float, float]:
        """(done, total) steps, weighted by the number of blocks and strokes each step moves."""

        def cost(grid: Grid, steps: int) -> float:
            return len(grid.corners) * steps * (1 + steps / self.problem.preset.steps)

        total = sum(cost(grid, self._steps(grid)) for grid in self.grids)
        done = sum(cost(grid, self._steps(grid)) for grid in self.grids[: self.grid])
        return done + (0 if self.finished else cost(self.grids[self.grid], self.done)), total

    @property
    def stage(self) -> str:
        return f"grid {self.grids[min(self.grid, len(self.grids) - 1)].number}/{self.grids[-1].number}"

    @property
    def finished(self) -> bool:
        return self.grid >= len(self.grids)

    def step(self) -> None:
        """One gradient step on the active strokes of all blocks; every `preset.steps` steps adds a stroke per block."""
        grid = self.grids[self.grid]
        if self._parameters is None:
            num_strokes = self._steps(grid) // self.problem.preset.steps
            self._start(grid, self.strokes.new_zeros(len(grid.corners), num_strokes, self.problem.brush.num_parameters))
        active = self.done // self.problem.preset.steps
        if self.done % self.problem.preset.steps == 0:
            self._add(grid, active)
            self._replay = None
        if self._replay is None:
            self._replay = Replay(self.problem.device, record=self.problem.fused)
        self._replay(lambda: self._descend(grid, active + 1))
        self.done += 1
        if self.done >= self._steps(grid):
            self.strokes = torch.cat([self.strokes, self._place(grid)])
            self.grid, self.done, self._parameters, self._replay = self.grid + 1, 0, None, None
            self._chosen = torch.zeros(0, dtype=torch.bool, device="cpu")

    @span("cut into blocks")
    def _start(self, grid: Grid, parameters: Tensor) -> None:
        """Cuts the photo and canvas into the blocks of this grid, `block_pixels` along each side."""
        problem, pixels = self.problem, self.problem.preset.block_pixels
        size = round(pixels / grid.side)
        seen = min(size, LARGEST_VIEW)
        photo, cut = problem.view(seen), round(pixels * seen / size)
        corners = grid.corners.to(problem.device)
        blocks = []
        for x, y in (grid.corners * seen).round().long().tolist():
            x, y = min(x, max(0, photo.shape[2] - cut)), min(y, max(0, photo.shape[1] - cut))
            blocks.append(resize(photo[:, y : y + cut, x : x + cut], pixels, pixels))
        self._targets = torch.stack(blocks)
        self._origin, self._scale = corners, pixels / grid.side
        self._canvas = self._below(corners, grid.side)
        # The affine map from block to canvas coordinates, as `Brush.transform` computes it.
        brush = problem.brush
        one, zero = (corners.new_full((1, 1, brush.num_parameters), value) for value in (1.0, 0.0))
        self._factor = brush.transform(one, grid.side)
        self._shift = brush.transform(zero, grid.side, corners[:, None, :])
        self._parameters = parameters.to(problem.device)
        self._square = torch.zeros_like(self._parameters)  # RMSprop running average
        self._absent = ~self._chosen.to(problem.device)

    @torch.no_grad()
    def _below(self, corners: Tensor, side: float) -> Tensor:
        """`[B, 3, pixels, pixels]`: the strokes of coarser grids drawn in these blocks."""
        problem, pixels = self.problem, self.problem.preset.block_pixels

        def draw(corners: Tensor, strokes: Tensor) -> Tensor:
            return problem.renderer.render(
                problem.blank(pixels, pixels, len(corners)),
                strokes[None].expand(len(corners), -1, -1),
                problem.brush,
                origin=corners,
                pixels_per_unit=pixels / side,
            )

        if len(corners) * len(self.strokes) <= _ROWS:
            return draw(corners, self.strokes)
        bounds, edge = problem.brush.bounds(self.strokes), 4.0 * side / pixels
        drawn = []
        for corner in corners:
            near = (bounds[:, 2:] >= corner - edge).all(1) & (bounds[:, :2] <= corner + side + edge).all(1)
            drawn.append(draw(corner[None], self.strokes[near]))
        return torch.cat(drawn)

    def _draw(self, parameters: Tensor) -> Tensor:
        problem = self.problem
        strokes = parameters * self._factor + self._shift
        return problem.renderer.render(
            self._canvas, strokes, problem.brush, origin=self._origin, pixels_per_unit=self._scale
        )

    @span("new strokes")
    def _add(self, grid: Grid, index: int) -> None:
        assert self._parameters is not None
        with torch.no_grad():
            canvas = self._draw(self._parameters[:, :index])
        new = paper_strokes(self._targets, canvas, self.problem.brush, self.generator)
        if index >= grid.strokes:
            error = (canvas - self._targets).abs().flatten(1).sum(1).cpu()
            self._chosen = torch.zeros(len(error), dtype=torch.bool, device="cpu")
            self._chosen[error.topk(grid.extra).indices] = True
            self._absent = ~self._chosen.to(self.problem.device)
            new[self._absent, self.problem.brush.opacity] = 0
        with torch.no_grad():
            self._parameters[:, index] = new

    def _descend(self, grid: Grid, active: int) -> None:
        """A gradient step on the first `active` strokes of every block, without synchronizing with the device."""
        assert self._parameters is not None
        preset, brush = self.problem.preset, self.problem.brush
        parameters, square = self._parameters[:, :active], self._square[:, :active]
        with torch.enable_grad():
            moved = parameters.detach().requires_grad_()
            canvas = self._draw(moved)
            difference = canvas - self._targets
            loss = preset.l1 * difference.abs().flatten(1).mean(1)
            if preset.l2:
                loss = loss + preset.l2 * difference.square().flatten(1).mean(1)
            if self._transport is not None:
                loss = loss + preset.transport * self._transport(canvas, self._targets)
            (gradient,) = torch.autograd.grad(loss.sum(), moved)
        with torch.no_grad():
            rmsprop_step_(parameters, gradient, square, preset.learning_rate)
            parameters[..., brush.shape].clamp_(_MARGIN, 1 - _MARGIN)
            parameters[..., brush.shape.stop :].clamp_(0, 1)
            for index, value in brush.held:
                parameters[..., index].fill_(value)
            if active > grid.strokes:
                parameters[:, active - 1, brush.opacity].masked_fill_(self._absent, 0)
            self.mean_square.copy_(difference.detach().square().mean())

    def _place(self, grid: Grid) -> Tensor:
        """The strokes of this grid in canvas coordinates, `[N, P]`: the first stroke of every block, then the second
        of every block, and so on."""
        assert self._parameters is not None
        brush = self.problem.brush
        placed = brush.transform(self._parameters, grid.side, self._origin[:, None, :])
        ordered = placed[:, : grid.strokes].transpose(0, 1).reshape(-1, brush.num_parameters)
        return torch.cat([ordered, placed[self._chosen.to(placed.device), -1]]) if grid.extra else ordered

    # ------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """The complete state, as tensors on the CPU."""
        state = {
            "position": torch.tensor([self.grid, self.done], device="cpu"),
            "generator": self.generator.get_state(),
            "strokes": self.strokes,
            "chosen": self._chosen,
        }
        if self._parameters is not None:
            state |= {"parameters": self._parameters, "rmsprop.square": self._square}
        return {key: value.detach().cpu().clone() for key, value in state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores a state from `state_dict()`; the search then continues bit for bit. ValueError if it cannot be."""
        device = self.problem.device
        at, done = take_position(state, [self._steps(grid) for grid in self.grids])
        before = sum(len(grid.corners) * grid.strokes + grid.extra for grid in self.grids[:at])
        take(state, "strokes", (before, self.problem.brush.num_parameters))
        take(state, "generator", self.generator.get_state().shape, torch.uint8)
        check_presence(state, "parameters", done > 0)
        chosen = 0
        if done:
            grid, steps = self.grids[at], self.problem.preset.steps
            shape = (len(grid.corners), self._steps(grid) // steps, self.problem.brush.num_parameters)
            for name in ("parameters", "rmsprop.square"):
                take(state, name, shape)
            chosen = len(grid.corners) if grid.extra and done > grid.strokes * steps else 0
        if take(state, "chosen", (chosen,), torch.bool).sum() != (self.grids[at].extra if chosen else 0):
            raise ValueError("chosen does not fit the grid")
        self.generator.set_state(state["generator"])
        self.grid, self.done = at, done
        self.strokes, self._chosen = state["strokes"].to(device), state["chosen"]
        self._parameters = self._replay = None
        if "parameters" in state:
            self._start(self.grids[self.grid], state["parameters"].clone())
            self._square.copy_(state["rmsprop.square"])
