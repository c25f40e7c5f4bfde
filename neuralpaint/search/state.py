"""Checks what a search restores from a state, before it takes any of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def take(state: Mapping[str, Tensor], name: str, shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor of a state. Floating-point ones must be finite.

    Raises:
        ValueError: it is missing, has another shape or type, or is not finite.
    """
    value = state.get(name)
    if value is None:
        raise ValueError(f"it lacks {name}")
    if tuple(value.shape) != tuple(shape) or value.dtype != dtype:
        raise ValueError(f"{name} must be {dtype} {list(shape)}, it is {value.dtype} {list(value.shape)}")
    if dtype.is_floating_point and not value.isfinite().all():
        raise ValueError(f"{name} contains NaN or infinity")
    return value


def take_position(state: Mapping[str, Tensor], steps: Sequence[int]) -> tuple[int, int]:
    """(part, steps done in it) of a search in parts with these numbers of steps.

    Raises:
        ValueError: there is no such position.
    """
    part, done = take(state, "position", (2,), torch.int64).tolist()
    if not 0 <= part <= len(steps) or not 0 <= done < max(1, steps[part] if part < len(steps) else 0):
        raise ValueError(f"position {part}, {done} is outside of the search")
    return part, done


def check_presence(state: Mapping[str, Tensor], name: str, present: bool) -> None:
    """Raises ValueError unless a tensor is in a state exactly if it should be."""
    if (name in state) != present:
        raise ValueError(f"it lacks {name}" if present else f"it has {name}, which does not belong there")
