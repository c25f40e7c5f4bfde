"""How segments make up paths, for `render_paths`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from neuralpaint.utils.validation import shown

FILL_RULES = ("nonzero", "evenodd")
CAPS = ("butt", "round", "square")
JOINS = ("miter", "round", "bevel")
_V = TypeVar("_V")


@dataclass(frozen=True, eq=False)
class PathLayout:
    """How S cubic segments make up P paths, and how these are filled and stroked; the same for a whole batch.

    A path has one or more contours, such as the outline of a ring and that of its hole; a contour is a chain of
    segments. Make one with `PathLayout.of` and use it for many calls of `render_paths`.

    Attributes:
        contours: `[C, 3]`, int64 on the CPU: of each contour its path, number of segments, and 1 if it is closed.
        styles: `[P, 3]`, int64 on the CPU: of each path the indices of its fill rule, cap and join.
        num_segments: S.
    """

    contours: Tensor
    styles: Tensor
    num_segments: int

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
    ) -> PathLayout:
        """A layout from plain numbers.

        Args:
            segments: how many segments each contour has, C numbers of at least 1.
            contours: how many contours each path has, P numbers of at least 1; None: one each, so P = C.
            closed: whether each contour's stroke is closed, for all or C values. Fills are always closed.
            fill_rule: "nonzero" or "evenodd", for all or P of them.
            cap: ends of open strokes: "butt", "round" or "square", for all or P of them.
            join: corners of strokes: "miter", "round" or "bevel", for all or P of them.

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
        ]
        chains = torch.tensor([path_of, lengths, [int(end) for end in ends]], dtype=torch.int64)
        styles = torch.tensor(names, dtype=torch.int64).T.contiguous()
        return cls(chains.T.contiguous(), styles, sum(lengths))

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


def _indices(name: str, value: str | Sequence[str], count: int, choices: tuple[str, ...]) -> list[int]:
    names = _each(name, value, count, str)
    for wish in names:
        if wish not in choices:
            raise ValueError(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, got {shown(wish)}")
    return [choices.index(wish) for wish in names]
