"""The joint search: strokes are added coarse to fine and all are optimised jointly on the whole canvas, so there are no
block boundaries to show.

Each level adds strokes of its own size where the error is large, in a few rounds; after each round, gradient steps move
all strokes so far. Then, many times, the strokes that the painting would miss least are removed and reseeded on top,
where the error is large, smaller each time. Finally, all strokes are refined at the finest resolution, and polished at
the photo's own. From the first reseed on, the steps also look at unfinished paintings.

With a palette another phase follows: every stroke takes the nearest colour of the palette, then shapes and opacities
move on while strokes change from one colour to another wherever that lowers the error. It makes up for most of what the
step to the palette costs: strokes move to where their colour fits.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neuralpaint.guides.guide import Box
from neuralpaint.images.palette import Palette
from neuralpaint.search.optim.adam import AdamRows
from neuralpaint.search.optim.colors import snap
from neuralpaint.search.optim.descent import Descent
from neuralpaint.search.optim.prefixes import prefix_counts
from neuralpaint.search.presets import Preset
from neuralpaint.search.problem import EDGE, Part, Problem, Setting, part_problem
from neuralpaint.search.seeding import new_strokes
from neuralpaint.search.state import check_presence, take, take_position
from neuralpaint.utils.profiling import span

_PER_BLOCK = 9  # strokes per block of a full grid: SNP paints 500 strokes with 5 grids
_GROWTH = 1.7  # the share of strokes of a level is proportional to its grid size to this power
_FINEST = 1.3  # blocks along a stroke of the guide's touch, at most
_MOVED = (0.2, 0.05)  # fraction of the strokes moved by the first and the last reseed
_FINER = (1.2, 3.5)  # how much smaller than those of the last level strokes are of the first and the last reseed
_SHORTEST = 0.25  # strokes that a reseed moves are at least this long, of those of the last level
_POLISH = 1.6  # how much finer than the refinement the last one may be
_FACE_PIXELS = 160  # along a face, at which it is refined
LARGEST_VIEW = 2048  # working pixels along the shorter side: bounds memory use


_SMALLEST_BLOCK = 1 / 64  # units


@dataclass(frozen=True)
class Phase:
    """Adds (or reseeds) strokes, then takes gradient steps on all strokes."""

    name: str
    add: int
    move: int
    block: float  # length of the new strokes, units
    size: int  # working pixels along the shorter side
    steps: int
    rate: tuple[float, float]  # learning rate of the first and last step
    softness: float  # edge width of the first step, in pixels; falls to 1 at three quarters of the steps
    palette: bool = False  # whether strokes have the colours of the problem's palette
    prefixes: bool = False  # whether the steps also look at unfinished paintings
    part: Part | None = None  # the part of the canvas that it is about; None: all of it
    shortest: float = 0.0  # length of the shortest new strokes, units, where the guide wants small ones

    def progress(self) -> list[float]:
        """Progress at each step, from 0 to 1."""
        return [step / max(1, self.steps - 1) for step in range(self.steps)]

    def rates(self) -> list[float]:
        """Learning rate of each step."""
        first, last = self.rate
        return [first * (last / first) ** progress for progress in self.progress()]

    def softnesses(self) -> list[float]:
        """Edge width of each step, in pixels."""
        return [self.softness * (1 / self.softness) ** min(1.0, 1.3 * progress) for progress in self.progress()]


def plan(problem: Setting, largest: int = LARGEST_VIEW) -> list[Phase]:
    """The phases of a search, with at most `largest` pixels along the shorter side."""
    preset, num_strokes = problem.preset, problem.num_strokes
    area = problem.aspect[0] * problem.aspect[1]
    finest = (3 * num_strokes / _PER_BLOCK / area) ** (1 / 3)
    if problem.guide.touch is not None:
        finest = min(finest, _FINEST / problem.guide.touch.length)
    finest = max(1.5, finest)
    stages = min(preset.stages, num_strokes)
    grids = [finest ** (k / max(1, stages - 1)) for k in range(stages)]
    weights = torch.tensor(grids, dtype=torch.float64, device="cpu").pow(_GROWTH)
    totals = (weights.cumsum(0) / weights.sum() * num_strokes).round().long().tolist()

    def view(size: float) -> int:
        return min(largest, max(8, round(size)))

    rate, phases, before = preset.learning_rate, [], 0
    pixels = preset.block_pixels * problem.brush.view
    for k, (grid, total) in enumerate(zip(grids, totals, strict=True)):
        size = view(pixels * max(grid, 1.5))
        rounds = 1 if k == 0 else preset.rounds
        for r in range(rounds):
            done = before + (total - before) * (r + 1) // rounds
            add = done - before - (total - before) * r // rounds
            steps = preset.steps // rounds
            phases.append(
                Phase(f"level {k + 1}/{stages}", add, 0, 1 / grid, size, steps, (rate, 0.3 * rate), preset.softness)
            )
        before = total
    size = view(pixels * finest)
    phases += _reseeds(preset, num_strokes, finest, size)
    if preset.refine:
        size = view(1.25 * pixels * finest)
        phases.append(Phase("refine", 0, 0, 1.0, size, preset.refine, (0.5 * rate, 0.05 * rate), 1.5, prefixes=True))
    polished = min(view(_POLISH * size), LARGEST_VIEW, problem.photo_pixels)
    if preset.polish and polished > size:
        falling = (0.4 * rate, 0.05 * rate)
        phases.append(Phase("polish", 0, 0, 1.0, polished, preset.polish, falling, 1.0, prefixes=True))
    if preset.refine:
        phases += [_face(problem, box, size) for box in problem.guide.faces if _is_small(problem, box, size)]
    if problem.palette is not None:
        steps, falling = max(preset.refine, preset.steps), (rate, 0.05 * rate)
        phases.append(Phase("palette", 0, 0, 1.0, size, steps, falling, 1.5, palette=True, prefixes=True))
    return [phase for phase in phases if phase.steps or phase.add]


def plan_from(phases: Sequence[Phase], count: int) -> list[Phase]:
    """The phases of a search that begins with `count` strokes: those that would have added them are left out, and the
    one that they end in adds the rest of its own."""
    left, rest = count, []
    for phase in phases:
        there = min(left, phase.add)
        left -= there
        if not there or there < phase.add:
            rest.append(dataclasses.replace(phase, add=phase.add - there))
    return rest


def _reseeds(preset: Preset, num_strokes: int, finest: float, size: int) -> list[Phase]:
    """The phases that move strokes, on `size` pixels along the shorter side: each makes them smaller than the one
    before, as what is left to paint is finer."""
    phases = []
    for k in range(preset.reseeds if num_strokes > 1 else 0):
        progress = k / max(1, preset.reseeds - 1)
        finer = _FINER[0] + (_FINER[1] - _FINER[0]) * progress
        move = max(1, round((_MOVED[0] + (_MOVED[1] - _MOVED[0]) * progress) * num_strokes))
        rates = preset.learning_rate, 0.3 * preset.learning_rate
        name = f"reseed {k + 1}/{preset.reseeds}"
        block, steps = 1 / (finer * finest), preset.steps // 2
        shortest = _SHORTEST / finest
        phases.append(
            Phase(name, 0, move, block, size, steps, rates, preset.softness, prefixes=True, shortest=shortest)
        )
    return phases


def _is_small(problem: Setting, box: Box, size: int) -> bool:
    """Whether a face is too small to be seen well at `size` pixels along the canvas's shorter side."""
    return _face_size(problem, box) > 1.2 * size


def _face_size(problem: Setting, box: Box) -> int:
    high = max((box[3] - box[1]) * problem.aspect[0], (box[2] - box[0]) * problem.aspect[1])
    return min(LARGEST_VIEW, round(_FACE_PIXELS / max(high, 0.02)))


def _face(problem: Setting, box: Box, size: int) -> Phase:
    """A refinement of a face alone, at a higher resolution."""
    size = min(_face_size(problem, box), 4 * size)
    height, width = problem.pixels(size)
    left, top, right, bottom = box
    x, y = 0.4 * (right - left), 0.4 * (bottom - top)
    part = Part(
        size,
        height,
        width,
        max(0, math.floor((left - x) * width)),
        max(0, math.floor((top - y) * height)),
        min(width, math.ceil((right + x) * width)),
        min(height, math.ceil((bottom + y) * height)),
    )
    rate, steps = 0.5 * problem.preset.learning_rate, problem.preset.refine
    return Phase("faces", 0, 0, 1.0, size, steps, (rate, 0.1 * rate), 1.5, part=part)


class JointSearch:
    """The joint search as a stepwise object: call `step()` until `finished`; `state_dict()` is the complete state."""

    def __init__(self, problem: Problem, start: Tensor | None = None) -> None:
        """
        Args:
            start: `[N, P]`, strokes to go on from; of more than the problem's number the most important ones are kept.
        """
        self.problem = problem
        self.phases = self._plan()
        self.step_count = sum(phase.steps for phase in self.phases)
        self.generator = torch.Generator("cpu").manual_seed(problem.seed)
        self.phase = 0
        self.done = 0  # steps done in this phase
        self.strokes = torch.zeros(0, problem.brush.num_parameters, dtype=torch.float32, device=problem.device)
        self.block = torch.zeros(0, dtype=torch.float32, device=problem.device)  # [N]: initial length of each stroke
        self.level = torch.zeros(0, dtype=torch.long, device="cpu")  # [N]: number of the level that added it
        self.adam = AdamRows.new(self.strokes)
        self._error: tuple[float | torch.Tensor, int] = math.nan, 1  # the sum of squared errors, and of how many
        self._descent: Descent | None = None
        self._inside: torch.Tensor | None = None  # [N]: 1 for strokes inside the part of a phase, which alone move
        self._begun = 0  # strokes that the search began with
        if start is not None:
            self._go_on_from(start)

    def _go_on_from(self, start: Tensor) -> None:
        """Begins with strokes instead of a bare canvas."""
        problem = self.problem
        strokes = start.to(problem.device, torch.float32)
        if len(strokes) > problem.num_strokes:
            needed = problem.importance(strokes, self.phases[-1].size)
            strokes = strokes[needed.argsort(descending=True)[: problem.num_strokes].sort().values]
        x0, y0, x1, y1 = problem.brush.bounds(strokes).unbind(-1)
        self.strokes, self._begun = strokes.clone(), len(strokes)
        self.adam = AdamRows.new(strokes)
        self.block = torch.maximum(x1 - x0, y1 - y0).clamp(_SMALLEST_BLOCK, 1.0)
        self.level = torch.zeros(len(strokes), dtype=torch.long, device="cpu")
        self.phases = plan_from(self.phases, len(strokes))
        self.step_count = sum(phase.steps for phase in self.phases)

    def _plan(self) -> list[Phase]:
        return plan(self.problem)

    @property
    def mean_square(self) -> float | torch.Tensor:
        """Mean squared error before the last step, at the working resolution; NaN before the first."""
        square, numbers = self._error
        return square / numbers

    @property
    def steps_done(self) -> int:
        return sum(phase.steps for phase in self.phases[: self.phase]) + self.done

    @property
    def identity(self) -> dict[str, Any]:
        """Settings that affect the result beyond the problem: none."""
        return {}

    @property
    def levels(self) -> list[int]:
        """How many strokes each level added, coarse to fine, those of reseeds last: in painting order."""
        return torch.unique_consecutive(self.level, return_counts=True)[1].tolist()

    def work(self) -> tuple[float, float]:
        """(done, total) steps, weighted by the number of pixels each step draws."""
        total = sum(phase.steps * self._pixels(phase) for phase in self.phases)
        done = sum(phase.steps * self._pixels(phase) for phase in self.phases[: self.phase])
        return done + (0 if self.finished else self.done * self._pixels(self.phases[self.phase])), total

    def _pixels(self, phase: Phase) -> int:
        if phase.part is not None:
            return (phase.part.bottom - phase.part.top) * (phase.part.right - phase.part.left)
        height, width = self.problem.pixels(phase.size)
        return height * width

    @property
    def stage(self) -> str:
        return self.phases[min(self.phase, len(self.phases) - 1)].name

    @property
    def finished(self) -> bool:
        return self.phase >= len(self.phases)

    def step(self) -> None:
        """One gradient step on all strokes; the first step of a phase adds its new strokes before that."""
        phase = self.phases[self.phase]
        if self._descent is None:
            if self.done == 0:
                self._begin(phase)
            self._descent = self._start(phase)
        if phase.steps:
            self._descent.step()
            self.strokes, self._error = self._descent.strokes, (self._descent.square, self._descent.numbers)
            self.done += 1
        if self.done >= phase.steps:
            self.phase, self.done, self._descent = self.phase + 1, 0, None

    @span("new strokes")
    def _begin(self, phase: Phase) -> None:
        if (palette := self._palette(phase)) is not None:
            self.strokes = snap(self.strokes, self.problem.brush, palette, self.problem.opaque)
        self._inside = None
        if phase.part is not None:
            self._inside = phase.part.holding(self.problem.brush.bounds(self.strokes), EDGE).to(self.strokes.dtype)
        num_new = phase.add
        if phase.move:
            needed = self._importance(phase.size)
            keep = needed.argsort(descending=True)[: len(self.strokes) - phase.move].sort().values
            self.strokes, self.block, self.level = self.strokes[keep], self.block[keep], self.level[keep.cpu()]
            self.adam = self.adam.select(keep)
            num_new = phase.move
        if num_new == 0:
            return
        strokes, block = self._new_strokes(phase, num_new)
        self.strokes, self.block = torch.cat([self.strokes, strokes]), torch.cat([self.block, block])
        self.level = torch.cat([self.level, self.level.new_full((num_new,), self._level(phase))])
        self.adam = self.adam.extended(num_new)

    def _level(self, phase: Phase) -> int:
        """Number of the level that a phase adds strokes to; reseeds are the last. Strokes that were there before the
        search are a level of their own."""
        sizes = list(dict.fromkeys(other.block for other in self.phases if other.add))
        return (len(sizes) if phase.move else sizes.index(phase.block)) + (self._begun > 0)

    def _new_strokes(self, phase: Phase, num_strokes: int) -> tuple[Tensor, Tensor]:
        """`[n, P]`, and how long each is to be, `[n]`, in units."""
        problem, size = self.problem, phase.size
        with torch.no_grad():
            canvas = problem.draw(self.strokes, size)
        photo = problem.view(size)
        return new_strokes(
            photo,
            canvas,
            problem.brush,
            num_strokes,
            phase.block,
            float(size),
            self.generator,
            problem.guide,
            phase.shortest,
        )

    def _importance(self, size: int) -> Tensor:
        """`[N]`: how much the error would rise without each stroke."""
        return self.problem.importance(self.strokes, size)

    def _start(self, phase: Phase) -> Descent:
        problem = self.problem
        if phase.part is not None:
            problem = part_problem(problem.setting, phase.part, phase.part.crop(problem.view(phase.size)))
        return Descent(
            problem,
            self.strokes,
            self.block,
            phase.size,
            phase.rates(),
            phase.softnesses(),
            self._inside,
            palette=self._palette(phase),
            prefixes=prefix_counts(len(self.strokes)) if phase.prefixes else (),
            adam=self.adam,
        )

    def _palette(self, phase: Phase) -> Palette | None:
        """The palette that holds the colours in a phase."""
        return self.problem.palette if phase.palette else None

    # ------------------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """The complete state, as tensors on the CPU."""
        state: dict[str, Any] = {
            "position": torch.tensor([self.phase, self.done], device="cpu"),
            "generator": self.generator.get_state(),
            "strokes": self.strokes,
            "block": self.block,
            "level": self.level,
            **self.adam.tensors(),
        }
        if self._descent is not None:
            state |= self._descent.state_dict()
        if self._descent is not None and self._inside is not None:
            state["inside"] = self._inside
        return {key: value.detach().cpu().clone() for key, value in state.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restores a state from `state_dict()`; the search then continues bit for bit. ValueError if it cannot be."""
        device = self.problem.device
        phase, done = take_position(state, [phase.steps for phase in self.phases])
        size = self._check_strokes(state, phase, done)
        check_presence(state, "parameters", done > 0 and not self._in_parts(phase))
        check_presence(state, "inside", done > 0 and self.phases[phase].part is not None)
        if "parameters" in state:
            take(state, "parameters", size)
        adam = AdamRows.of(state, size)
        self.generator.set_state(state["generator"])
        self.phase, self.done = phase, done
        self.strokes, self.block = state["strokes"].to(device), state["block"].to(device)
        self.level, self.adam = state["level"], adam.to(device)
        self._descent = self._inside = None
        if "inside" in state:
            self._inside = take(state, "inside", size[:1]).to(device)
        if "parameters" in state:
            self._descent = self._start(self.phases[self.phase])
            self._descent.load_state_dict(state, self.done)

    def _in_parts(self, phase: int) -> bool:
        """Whether a phase is not one descent on the whole canvas."""
        return False

    def _check_strokes(self, state: dict[str, Tensor], phase: int, done: int) -> tuple[int, int]:
        """The shape of the strokes in a state. Raises ValueError if it cannot be."""
        counts = list(itertools.accumulate((phase.add for phase in self.phases), initial=self._begun))
        # Before the first step of a phase, its new strokes are not there yet.
        begun = done > 0 or "windows" in state
        size = (counts[min(phase + begun, len(self.phases))], self.problem.brush.num_parameters)
        take(state, "strokes", size)
        take(state, "block", size[:1])
        take(state, "level", size[:1], torch.long)
        take(state, "generator", self.generator.get_state().shape, torch.uint8)
        return size
