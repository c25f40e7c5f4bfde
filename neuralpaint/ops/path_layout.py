"""How segments make up paths, for `render_paths`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from neuralpaint.ops.path_groups import Step, as_groups, steps_of
from neuralpaint.utils.validation import shown

FILL_RULES = ("nonzero", "evenodd")
CAPS = ("butt", "round", "square")
JOINS = ("miter", "round", "bevel")
GRADIENTS = ("linear", "radial")
SPREADS = ("pad", "reflect", "repeat")
MOST_MITER_LIMIT = 100.0
_V = TypeVar("_V")


@dataclass(frozen=True, eq=False)
class PathLayout:
    """How S cubic segments make up P paths, and how these are filled and stroked; the same for a whole batch.

    A path has one or more contours, such as the outline of a ring and that of its hole; a contour is a chain of
    segments. Make one with `PathLayout.of` and use it for many calls of `render_paths`.

    Attributes:
        contours: `[C, 3]`, int64 on the CPU: of each contour its path, number of segments, and 1 if it is closed.
        styles: `[P, 5]`, int64 on the CPU: of each path the indices of its fill rule, cap and join, and of the
            gradients of its fill and stroke, -1 where it has none.
        num_segments: S.
        miter_limits: `[P]`, float64 on the CPU.
        gradients: `[G, 3]`, int64 on the CPU: of each gradient the indices of its kind and spread, and its number of
            stops.
        num_stops: of all gradients together, K.
        groups: the paths (first, end) of each group that has an opacity.
        steps: how paths and groups are drawn in turn; empty if there are no groups.
    """

    contours: Tensor
    styles: Tensor
    num_segments: int
    miter_limits: Tensor
    gradients: Tensor = field(default_factory=lambda: torch.zeros(0, 3, dtype=torch.int64))
    num_stops: int = 0
    groups: tuple[tuple[int, int], ...] = ()
    steps: tuple[Step, ...] = ()

    @classmethod
    def of(
        cls,
        segments: Sequence[int],
        *,
        contours: Sequence[int] | None = None,
        closed: bool | Sequence[bool] = True,
        fill_rule: str | Sequence[str] = "nonzero",
        cap: str | Sequence[str] = "butt",
        join: str | Sequence[str] = "miter",
        miter_limit: float | Sequence[float] = 4.0,
        gradients: Sequence[tuple[str, str, int]] = (),
        fill_gradient: int | Sequence[int] = -1,
        stroke_gradient: int | Sequence[int] = -1,
        groups: Sequence[tuple[int, int]] = (),
    ) -> PathLayout:
        """A layout from plain numbers.

        Args:
            segments: how many segments each contour has, C numbers of at least 1.
            contours: how many contours each path has, P numbers of at least 1; None: one each, so P = C.
            closed: whether each contour's stroke is closed, for all or C values. Fills are always closed.
            fill_rule: "nonzero" or "evenodd", for all or P of them.
            cap: ends of open strokes: "butt", "round" or "square", for all or P of them.
            join: corners of strokes: "miter", "round" or "bevel", for all or P of them.
            miter_limit: from 1 to 100, for all or P of them: miter joins longer than this many times half the width
                become bevels, as in SVG.
            gradients: G of them: "linear" or "radial"; "pad", "reflect" or "repeat", what is beyond the stops; and how
                many stops there are, at least 1.
            fill_gradient, stroke_gradient: which gradient, from 0, a fill or stroke has; -1: none. For all or
                P of them.
            groups: ranges of paths (first, end), end not included, that are drawn together and then laid over what is
                below them with an opacity. They may hold each other, but not overlap otherwise.

        Raises:
            TypeError, ValueError: an argument is not as described; the message names it.
        """
        lengths = _counts("segments", segments)
        parts = [1] * len(lengths) if contours is None else _counts("contours", contours)
        if sum(parts) != len(lengths):
            raise ValueError(f"contours must add up to the {len(lengths)} contours of segments, got {sum(parts)}")
        path_of = [path for path, count in enumerate(parts) for _ in range(count)]
        ends = [bool(end) for end in _each("closed", closed, len(lengths), bool)]
        names = [
            _indices("fill_rule", fill_rule, len(parts), FILL_RULES),
            _indices("cap", cap, len(parts), CAPS),
            _indices("join", join, len(parts), JOINS),
            _choices("fill_gradient", fill_gradient, len(parts), len(gradients)),
            _choices("stroke_gradient", stroke_gradient, len(parts), len(gradients)),
        ]
        chains = torch.tensor([path_of, lengths, [int(end) for end in ends]], dtype=torch.int64)
        styles = torch.tensor(names, dtype=torch.int64).T.contiguous()
        contours_, ranges = chains.T.contiguous(), as_groups(groups, len(parts))
        steps = steps_of(ranges, contours_, styles) if ranges else ()
        table = _gradients(gradients)
        limits = _miter_limits(miter_limit, len(parts))
        return cls(contours_, styles, sum(lengths), limits, table, int(table[:, 2].sum()), ranges, steps)

    @property
    def num_paths(self) -> int:
        """P."""
        return self.styles.shape[0]


def _counts(name: str, values: Sequence[int]) -> list[int]:
    counts = values.tolist() if isinstance(values, Tensor) else list(values)
    for count in counts:
        if isinstance(count, bool) or not isinstance(count, int):
            raise TypeError(f"{name} must be whole numbers, got {shown(count)}")
        if not 1 <= count < 2**30:
            raise ValueError(f"{name} must be numbers from 1 to 2^30, got {shown(count)}")
    return counts


def _each(name: str, value: _V | Sequence[_V], count: int, kind: type[_V]) -> list[_V]:
    values = [value] * count if isinstance(value, kind) else list(value)  # type: ignore[arg-type]
    if len(values) != count:
        raise ValueError(f"{name} must be one value or {count} of them, got {len(values)}")
    return values


def _miter_limits(limits: float | Sequence[float], count: int) -> Tensor:
    values = [limits] * count if isinstance(limits, (int, float)) else list(limits)
    if len(values) != count:
        raise ValueError(f"miter_limit must be one value or {count} of them, got {len(values)}")
    for limit in values:
        if isinstance(limit, bool) or not isinstance(limit, (int, float)):
            raise TypeError(f"miter_limit must be numbers, got {shown(limit)}")
        if not 1 <= limit <= MOST_MITER_LIMIT:
            raise ValueError(f"miter_limit must be from 1 to {MOST_MITER_LIMIT:g}, got {shown(limit)}")
    return torch.tensor(values, dtype=torch.float64)


def _choices(name: str, value: int | Sequence[int], count: int, gradients: int) -> list[int]:
    chosen = _each(name, value, count, int)
    for index in chosen:
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError(f"{name} must be whole numbers, got {shown(index)}")
        if not -1 <= index < gradients:
            raise ValueError(f"{name} must be -1 or the number of one of {gradients} gradients, got {shown(index)}")
    return chosen


def _gradients(gradients: Sequence[tuple[str, str, int]]) -> Tensor:
    rows = []
    for gradient in gradients:
        if not isinstance(gradient, (tuple, list)) or len(gradient) != 3:
            raise TypeError(f"gradients must be of kind, spread and number of stops each, got {shown(gradient)}")
        kind, spread, count = gradient
        if kind not in GRADIENTS or spread not in SPREADS:
            raise ValueError(
                f"gradients must be {' or '.join(GRADIENTS)}, and {', '.join(SPREADS[:-1])} or {SPREADS[-1]}, "
                f"got {shown(kind)} and {shown(spread)}"
            )
        rows.append([GRADIENTS.index(kind), SPREADS.index(spread), *_counts("gradients", [count])])
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 3)


def _indices(name: str, value: str | Sequence[str], count: int, choices: tuple[str, ...]) -> list[int]:
    names = _each(name, value, count, str)
    for wish in names:
        if wish not in choices:
            raise ValueError(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, got {shown(wish)}")
    return [choices.index(wish) for wish in names]
