"""The gradient steps of one phase of a joint search."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neuralpaint.images.palette import Palette
from neuralpaint.ops import projected_adam_
from neuralpaint.search.optim.adam import AdamRows
from neuralpaint.search.optim.colors import ColorChoice
from neuralpaint.search.optim.cuda_graph import Replay
from neuralpaint.search.optim.limits import Ranges
from neuralpaint.search.optim.prefixes import PrefixLoss
from neuralpaint.search.optim.pull import EVERY, pull_of
from neuralpaint.search.problem import Problem

_CHOOSE_EVERY = 25  # steps between two choices of colours from a palette
_HASTE = 2.0  # sizes change so much faster than positions


class Descent:
    """Gradient steps on a fixed number of strokes.

    A step reads and writes only tensors at fixed addresses; its learning rate and softness are copied from a table on
    the device. A step therefore never synchronizes, and on a GPU each kind of step is captured once and replayed. Most
    steps are six launches: that copy, four of the loss and its gradient, one that moves the strokes. Those that look at
    an unfinished painting take four more.

    With a palette the steps leave the colours alone; between some of them each stroke may change to another entry.

    Attributes:
        strokes: `[N, P]`, the current strokes; overwritten by every step.
        square: scalar, the sum of the squared errors before the last step; NaN before the first.
        adam: the state of the optimiser; goes on from what was given.

    Args:
        strokes: `[N, P]`, the initial strokes; not modified.
        block: `[N]`, the initial length of each stroke, in units.
        size: working pixels along the shorter side.
        rates, softnesses: learning rate, and edge width in pixels, of each step.
        moving: `[N]`, 1 for strokes that move, 0 for frozen ones; by default all move.
        palette: holds the colours of all strokes, which only change from one of its entries to another.
        prefixes: numbers of strokes in the unfinished paintings that some steps also look at: see `PrefixLoss`.
        adam: of the same strokes in an earlier phase; by default they have taken no step.
    """

    def __init__(
        self,
        problem: Problem,
        strokes: Tensor,
        block: Tensor,
        size: int,
        rates: list[float],
        softnesses: list[float],
        moving: Tensor | None = None,
        palette: Palette | None = None,
        prefixes: Sequence[int] = (),
        adam: AdamRows | None = None,
    ) -> None:
        device = problem.device
        self._problem, self._size, self._softnesses = problem, size, softnesses
        self._ranges = Ranges(problem.brush, block, problem.aspect)
        self._target, self._canvas = problem.view(size), problem.blank(*problem.pixels(size))
        self._weight = problem.weight(*problem.pixels(size))
        self.strokes = self._ranges.apply(strokes)
        self._choice: ColorChoice | None = None
        if palette is not None:
            self._choice = ColorChoice(problem, palette, size, moving)
        self.square = torch.full((), torch.nan, dtype=torch.float32, device=device)
        self._scale = self._ranges.scale.clone()
        self._scale[:, list(problem.brush.sizes)] *= _HASTE
        self._parameters = self.strokes / self._scale
        self._points = self._parameters * self._scale  # the strokes but for rounding
        self._moves: Tensor | None = None  # [N, P]: 0 for what does not move, though it may have been moving
        if moving is not None or palette is not None:
            moves = torch.ones_like(self._scale) if moving is None else moving[:, None].expand_as(self._scale).clone()
            if palette is not None:
                moves[:, problem.brush.colors[0].start : problem.brush.opacity] = 0.0
            self._moves = moves
        self.adam = AdamRows.new(self._parameters) if adam is None else adam
        table = torch.tensor([rates, softnesses], dtype=torch.float64, device="cpu").T
        self._schedule = table.to(device, strokes.dtype).contiguous()  # [steps, 2]
        self._now = self._schedule.new_empty(2)  # the row of this step
        self._rate, self._softness = self._now.unbind()
        self._done = 0
        self._prefix: PrefixLoss | None = None
        if prefixes and problem.preset.prefix:
            self._prefix = PrefixLoss(problem, self._target, size, prefixes)
        self._pull = pull_of(problem, size)
        self._replays: dict[tuple[int, bool], Replay] = {}  # one for each kind of step

    def step(self) -> None:
        if self._choice is not None and self._done % _CHOOSE_EVERY == 0:
            turn = self._done // _CHOOSE_EVERY
            strokes = self._choice.improve(self._parameters * self._scale, self._softnesses[self._done], turn)
            self._parameters.copy_(strokes / self._scale)
            torch.mul(self._parameters, self._scale, out=self._points)
        count = self._prefix.count(self._done) if self._prefix is not None else 0
        pull = self._pull is not None and self._done % EVERY == 1
        self._now.copy_(self._schedule[self._done])
        if (count, pull) not in self._replays:
            self._replays[count, pull] = Replay(self._problem.device, record=self._problem.fused)
        self.square = self._replays[count, pull](lambda: self._descend(count, pull))
        self._done += 1

    @property
    def numbers(self) -> int:
        """How many errors `square` sums up."""
        return self._target.numel()

    @torch.no_grad()
    def _descend(self, count: int, pull: bool) -> Tensor:
        """Takes a step. Returns the sum of squared errors before it."""
        width = self._softness if self._problem.fused else self._softnesses[self._done]
        square, gradient = self._problem.loss(self._points, self._target, self._canvas, self._size, width, self._weight)
        extra, factor = None, 1.0
        if self._prefix is not None and count:
            extra, factor = self._prefix.gradient(self._points, count, width), self._prefix.factor
        projected_adam_(
            self._parameters,
            gradient,
            self.adam.mean,
            self.adam.square,
            self.adam.age,
            self._rate,
            scale=self._scale,
            low=self._ranges.low,
            high=self._ranges.high,
            values=self.strokes,
            points=self._points,
            moves=self._moves,
            extra=extra,
            extra_factor=factor,
            pull=self._pull if pull else None,
            wraps=self._ranges.turns,
            # The area of a pixel: the optimiser's averages are then the same at every resolution.
            divisor=float(self._size**2),
        )
        return square

    def state_dict(self) -> dict[str, Tensor]:
        """All but `adam`."""
        return {"parameters": self._parameters}

    def load_state_dict(self, state: dict[str, Tensor], done: int) -> None:
        """Restores the state after `done` steps."""
        self._parameters.copy_(state["parameters"])
        torch.mul(self._parameters, self._scale, out=self._points)
        self._done = done
