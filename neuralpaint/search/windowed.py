"""The joint search in windows, for canvases too large to optimise as a whole.

The phases are those of `JointSearch`. A phase whose canvas is larger than one window is processed window by window. A
window is a core plus a halo, so windows overlap. All strokes visible in a window are drawn, in order, but only strokes
centred in or near the core move; strokes that reach its border are frozen. Thus most strokes move in one window per
phase, and take as many steps as in the joint search. Windows are coloured with four colours such that two windows of
the same colour never touch: they can run in parallel, on any machine, with bit-identical results. Cores shift by half a
window from one phase to the next, so strokes at a border are inside a window in the next phase.

This is the multiplicative Schwarz method, block coordinate descent on overlapping subdomains (Smith, Bjørstad & Gropp,
"Domain Decomposition", 1996, §1.1 and 1.2), applied to the loss of the joint search.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neuralpaint.parallel import SerialWorkers, WorkerError, Workers
from neuralpaint.search import regions
from neuralpaint.search.joint import JointSearch, Phase, plan
from neuralpaint.search.optim.prefixes import prefix_counts
from neuralpaint.search.problem import Part, Setting
from neuralpaint.search.regions import HALO, UNLIMITED, WINDOW, core_for, larger_than, windows
from neuralpaint.search.seeding import cell_side, draw_cells, lay_strokes
from neuralpaint.search.state import check_presence, take

if TYPE_CHECKING:
    from neuralpaint.search.problem import LargeProblem

_GUARD = 0.25  # initial distance of moving strokes from the border of the window, in blocks
_OVERLAP = 0.3  # strokes this far outside a core also move, in blocks: neighbours both optimise the border
_SWEEP = 40  # steps; a phase of at least twice as many is split into two sweeps with different windows


def plan_windows(problem: Setting, core: int) -> list[Phase]:
    """The phases of `plan` without a size limit; long windowed phases are split in two."""
    phases = []
    for phase in plan(problem, UNLIMITED):
        if phase.part is not None:
            continue  # canvases that large show faces well
        if phase.steps < 2 * _SWEEP or not larger_than(problem.pixels(phase.size), core):
            phases.append(phase)
            continue
        first, last = phase.rate
        half, middle = phase.steps // 2, math.sqrt(first * last)
        softness = phase.softnesses()[half]
        phases.append(dataclasses.replace(phase, steps=half, rate=(first, middle)))
        phases.append(
            dataclasses.replace(phase, steps=phase.steps - half, rate=(middle, last), softness=softness, add=0, move=0)
        )
    return phases


class WindowedSearch(JointSearch):
    """A joint search that uses windows if the canvas is larger than one. A step is one gradient step on the whole
    canvas in small phases, and one window in large phases.

    Attributes:
        core: core size in pixels: `window`, raised to the minimum that the halo requires.

    Args:
        window: requested core size in pixels.
        workers: run the windows; by default this process does, one after another.
    """

    problem: LargeProblem

    def __init__(self, problem: LargeProblem, window: int = WINDOW, workers: Workers | None = None) -> None:
        self.core = core_for(problem.preset, window)
        super().__init__(problem)
        self._finest = min(phase.block for phase in self.phases if phase.add)
        self._workers = workers or SerialWorkers()
        self._setting = self._workers.share(problem.setting)
        self._painted: Tensor | None = None  # bool [windows]: windows of this phase that are done
        self._results: Iterator[tuple[int, Any]] | None = None

    @property
    def identity(self) -> dict[str, Any]:
        return {"window": self.core}

    def _plan(self) -> list[Phase]:
        return plan_windows(self.problem, self.core)

    def step(self) -> None:
        """One gradient step on the whole canvas, or one window; the first step of a phase adds its new strokes."""
        phase = self.phases[self.phase]
        if not self._by_windows(phase.size):
            super().step()
            return
        if self._painted is None:
            self._begin(phase)
            self._painted = torch.zeros(len(self._windows(phase)) if phase.steps else 0, dtype=torch.bool, device="cpu")
        if not self._painted.all():
            self._paint_window(phase)
        self.done = int(phase.steps * self._painted.float().mean()) if phase.steps else 0
        if self._painted.all():
            self.phase, self.done, self._painted, self._results = self.phase + 1, 0, None, None

    def _by_windows(self, size: int) -> bool:
        return larger_than(self.problem.pixels(size), self.core)

    def _windows(self, phase: Phase) -> list[tuple[int, Part, Part]]:
        block = phase.block if phase.add else self._finest
        halo = min(math.ceil(HALO * block * phase.size), (self.core - 16) * 10 // 32)
        shifted = sum(self._by_windows(p.size) for p in self.phases[: self.phase]) % 2 == 1
        return windows(phase.size, self.problem.pixels(phase.size), self.core, halo, shifted)

    def _paint_window(self, phase: Phase) -> None:
        """Waits for the next finished window of the current colour."""
        assert self._painted is not None
        if self._results is None:
            found = self._windows(phase)
            color = next(color for (color, *_), done in zip(found, self._painted.tolist(), strict=True) if not done)
            self._waiting = [k for k, (own, *_) in enumerate(found) if own == color and not self._painted[k]]
            self._moving: list[Tensor] = []
            self._results = self._workers.run(
                regions.descend, self._tasks(phase, [found[k][1:] for k in self._waiting])
            )
        index, result = next(self._results)
        moved, adam, mean_square = _checked(result)
        self.strokes = self.strokes.index_copy(0, self._moving[index], moved.to(self.strokes.device))
        self.adam = self.adam.replaced(self._moving[index], adam)
        self._error = mean_square, 1
        self._painted[self._waiting[index]] = True
        if self._painted[self._waiting].all():
            self._results = None

    def _tasks(self, phase: Phase, chosen: Sequence[tuple[Part, Part]]) -> Iterator[tuple]:
        # Created lazily, as workers take them. Windows of one colour do not see each other's moving strokes, so the
        # order in which they finish does not matter.
        photo, block = self.problem.reduced(phase.size), self._finest * phase.size
        guard, overlap = _GUARD * block + regions.EDGE, int(_OVERLAP * block)
        counts = prefix_counts(len(self.strokes)) if phase.prefixes else ()
        for core, part in chosen:
            bounds = self.problem.brush.bounds(self.strokes)
            shown = part.touching(bounds)
            moves = shown & part.holding(bounds, guard) & core.grown(overlap).owning(bounds)
            self._moving.append(moves.nonzero()[:, 0])
            yield (
                self._setting,
                part,
                part.crop(photo),
                self.strokes[shown].cpu(),
                self.block[shown].cpu(),
                moves[shown].cpu(),
                self.adam.select(shown).to("cpu"),
                phase.rates(),
                phase.softnesses(),
                self._palette(phase),
                tuple(int(shown[:count].sum()) for count in counts),
            )

    # ---- new and reseeded strokes in large phases --------------------------------------------------------------------

    def _cover(self, size: int, multiple: int = 1) -> list[Part]:
        """Parts without halo that tile the canvas, aligned to multiples of `multiple` pixels."""
        height, width = self.problem.pixels(size)
        step = max(1, self.core // multiple) * multiple
        return [
            Part(size, height, width, left, top, min(width, left + step), min(height, top + step))
            for top in range(0, height, step)
            for left in range(0, width, step)
        ]

    def _gather(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> list[Any]:
        """Results in task order, whatever order they arrive in."""
        results = sorted(self._workers.run(function, tasks), key=lambda pair: pair[0])
        return [_checked(result) for _, result in results]

    def _new_strokes(self, phase: Phase, num_strokes: int) -> tuple[Tensor, Tensor]:
        if not self._by_windows(phase.size):
            return super()._new_strokes(phase, num_strokes)
        # Same as `seeding.new_strokes`, part by part; random numbers are drawn here, for the whole canvas.
        size, side = phase.size, phase.block * phase.size
        cell, halo = cell_side(side), math.ceil(0.5 * side) + 4
        photo, bounds = self.problem.reduced(size), self.problem.brush.bounds(self.strokes)
        cover = self._cover(size, cell)
        height, width = self.problem.pixels(size)
        cells = torch.empty(math.ceil(height / cell), math.ceil(width / cell), dtype=torch.float32, device="cpu")
        weighing = (
            (
                self._setting,
                part,
                halo,
                part.grown(halo).crop(photo),
                self.strokes[part.grown(halo).touching(bounds)].cpu(),
                side,
                cell,
            )
            for part in cover
        )
        for part, own in zip(cover, self._gather(regions.weigh, weighing), strict=True):
            top, left = part.top // cell, part.left // cell
            cells[top : top + own.shape[0], left : left + own.shape[1]] = own
        x, y = draw_cells(cells, num_strokes, cell, height, width, self.generator)

        inside = [((x >= p.left) & (x < p.right) & (y >= p.top) & (y < p.bottom)).nonzero()[:, 0] for p in cover]
        sampling = (
            (self._setting, part.grown(halo), part.grown(halo).crop(photo), x[own], y[own], side)
            for part, own in zip(cover, inside, strict=True)
        )
        angle = torch.empty(num_strokes, dtype=torch.float32, device="cpu")
        color = torch.empty(3, num_strokes, dtype=torch.float32, device="cpu")
        for own, (angles, colors) in zip(inside, self._gather(regions.sample_photo, sampling), strict=True):
            angle[own], color[:, own] = angles, colors
        guide = self.problem.guide
        block = (phase.block * guide.sizes_at(x / width, y / height)).clamp_min(phase.shortest)
        strokes = lay_strokes(self.problem.brush, block, x / size, y / size, angle, color, self.generator, guide)
        return strokes.to(self.strokes.device), block.to(self.strokes.device)

    def _importance(self, size: int) -> Tensor:
        if not self._by_windows(size):
            return super()._importance(size)
        photo = self.problem.reduced(size)
        bounds = self.problem.brush.bounds(self.strokes)
        cover = self._cover(size)
        shown = [part.touching(bounds).nonzero()[:, 0] for part in cover]
        tasks = (
            (self._setting, part, part.crop(photo), self.strokes[own].cpu())
            for part, own in zip(cover, shown, strict=True)
        )
        total = torch.zeros(len(self.strokes), dtype=torch.float32, device="cpu")
        for own, seen in zip(shown, self._gather(regions.importance, tasks), strict=True):
            total.index_add_(0, own.cpu(), seen)  # each stroke once per part, so the order of summation is fixed
        return total.to(self.strokes.device)

    # ------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        state = super().state_dict()
        if self._painted is not None:
            state["windows"] = self._painted.clone()
        return state

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        super().load_state_dict(state)
        painted = state.get("windows")
        if painted is not None:
            if self.finished or not self._in_parts(self.phase):
                raise ValueError("it has windows, which do not belong there")
            painted = take(state, "windows", (len(self._windows(self.phases[self.phase])),), torch.bool)
        elif self.done:
            check_presence(state, "windows", self._in_parts(self.phase))
        self._painted, self._results = painted, None

    def _in_parts(self, phase: int) -> bool:
        return phase < len(self.phases) and self._by_windows(self.phases[phase].size)


def _checked(result: Any) -> Any:
    """The result of a task. Raises WorkerError if its workers kept failing."""
    if isinstance(result, WorkerError):
        raise WorkerError(f"a window could not be painted: {result}")
    return result
